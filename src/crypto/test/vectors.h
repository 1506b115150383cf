// Published vectors, as values.
#pragma once

namespace doze::crypto::vectors {

// FIPS 180-4 examples and RFC 4634.
struct Digest {
  const char* text;
  unsigned times;  // the text that often
  const char* sha256;
};
inline constexpr Digest kDigests[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1'000'000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};

// RFC 4231, 4.2 to 4.8; its case 5 cuts the output, ours does not.
struct Hmac {
  const char* key;
  const char* data;
  const char* sha256;
  const char* sha512;
};
inline constexpr Hmac kHmacs[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
     "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
     "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"}};

// RFC 5869, A.1 to A.3.
struct Hkdf {
  const char* ikm;
  const char* salt;
  const char* info;
  const char* okm;
};
inline constexpr Hkdf kHkdfs[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
     "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
     "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
     "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
     "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"}};

// RFC 8439, 2.8.2.
inline constexpr const char* kAeadKey = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
inline constexpr const char* kAeadNonce = "070000004041424344454647";
inline constexpr const char* kAeadAssociated = "50515253c0c1c2c3c4c5c6c7";
inline constexpr const char* kAeadPlain =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
    "it.";
inline constexpr const char* kAeadCipher =
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
    "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
    "3ff4def08e4b7a9de576d26586cec64b6116";
inline constexpr const char* kAeadTag = "1ae10b594f09e26a7e902ecbd0600691";
// RFC 8439, A.1, vectors 1 and 2: blocks 0 and 1 of the key stream of an all-zero key and nonce.
inline constexpr const char* kChaCha20Zero =
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a37"
    "6a43b8f41518a11cc387b669b2ee6586"
    "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d5"
    "31ed1f28510afb45ace10a1f4b794d6f";

// BIP 340, test-vectors.csv.
struct Schnorr {
  int index;
  const char* secret;  // "": only to verify
  const char* key;
  const char* aux;
  const char* message;
  const char* signature;
  bool good;
};
inline constexpr Schnorr kSchnorr[] = {{0, "0000000000000000000000000000000000000000000000000000000000000003",
                                        "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
                                        "0000000000000000000000000000000000000000000000000000000000000000",
                                        "0000000000000000000000000000000000000000000000000000000000000000",
                                        "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215"
                                        "25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0",
                                        true},
                                       {1, "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef",
                                        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
                                        "0000000000000000000000000000000000000000000000000000000000000001",
                                        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
                                        "6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341"
                                        "8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a",
                                        true},
                                       {2, "c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b14e5c9",
                                        "dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8",
                                        "c87aa53824b4d7ae2eb035a2b5bbbccc080e76cdc6d1692c4b0b62d798e6d906",
                                        "7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c",
                                        "5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1b"
                                        "ab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7",
                                        true},
                                       {3, "0b432b2677937381aef05bb02a66ecd012773062cf3fa2549e44f58ed2401710",
                                        "25d1dff95105f5253c4022f628a996ad3a0d95fbf21d468a1b33f8c160d8f517",
                                        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                                        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                                        "7eb0509757e246f19449885651611cb965ecc1a187dd51b64fda1edc9637d5ec"
                                        "97582b9cb13db3933705b32ba982af5af25fd78881ebb32771fc5922efc66ea3",
                                        true},
                                       {4, "", "d69c3509bb99e412e68b0fe8544e72837dfa30746d8be2aa65975f29d22dc7b9", "",
                                        "4df3c3f68fcc83b27e9d42c90431a72499f17875c81a599b566c9889b9696703",
                                        "00000000000000000000003b78ce563f89a0ed9414f5aa28ad0d96d6795f9c63"
                                        "76afb1548af603b3eb45c9f8207dee1060cb71c04e80f593060b07d28308d7f4",
                                        true},
                                       {5, "", "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34", "",
                                        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
                                        "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769"
                                        "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
                                        false},
                                       {6, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
                                        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
                                        "fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556"
                                        "3cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2",
                                        false},
                                       {7, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
                                        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
                                        "1fa62e331edbc21c394792d2ab1100a7b432b013df3f6ff4f99fcb33e0e1515f"
                                        "28890b3edb6e7189b630448b515ce4f8622a954cfe545735aaea5134fccdb2bd",
                                        false},
                                       {8, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
                                        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
                                        "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769"
                                        "961764b3aa9b2ffcb6ef947b6887a226e8d7c93e00c5ed0c1834ff0d0c2e6da6",
                                        false}};

}  // namespace doze::crypto::vectors
