// Written by rust-lightning 0.2.5; all readers must read it.
#include "offers/offer.h"
#include "toolbox/vector_parts.h"

namespace doze::toolbox {

namespace {
constexpr const char* kOffer =
    "lno1qgsqvgnwgcg35z6ee2h3yczraddm72xrfua9uve2rlrm9deu7xyfzrcwq3cnlvcqzz8qxxuyc4t8kynygzv460k442aq2ewhrcvrgczgr8"
    "lec9l4a82a6pu0qfx5kmx3xcgr9j5m62htnkgq4fx5tk02mq9vjs3nwnz9rfe9f5rkvqsz2v07vp5px3gr6ferzvez0jr84j86djpu2dlf53xr"
    "ck7mmjcluvmsqqa2424qx3380xk54tfe29rpgag6wyy97tcsu8r6tylyuqcwlddcwgww2kctqqpthwckyyp0qrqvqcd5azzre9yayszh5lksn0"
    "xag7sduxr0zpef6pwh757zkys";
constexpr const char* kStaticInvoice =
    "022006226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f0e04713fb300108e031b84c5567b126440995d3ed5"
    "aaba0565d71e1834604819ff9c17f5e9d5dd078f024d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d07660202"
    "531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe3370003aaaaaa03462779ad4aad39514614751a71085f2f10"
    "e1c7a593e4e030efb5b8721ce55b0b0002bbbb162102f00c0c061b4e8843c949d24057a7ed09bcdd47a0de186f10729d05d7f53c2b12a0"
    "e002ba72a6e8ba53e8b971ad0c9823968aef4d78ce8af255ab43dff83003c902fb8d035c4e0dec7215e26833938730e5e505aa62504da8"
    "5ba57106a46b5a2404fc9d8e0202bb58b5feca505c74edc000d8282fc556e51a1024fc8e7d7e56c6f887c5c8d5f2002b00000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000028f5304e2373e56ee7d774cb89e9f1afecf0e"
    "e7e3e3757f189908f069daa36c60002c000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000a21c00000001000003e8002a0000000000000064000000e8d4a510000000a404684ee180a60401e13380ae03020000b02102"
    "f00c0c061b4e8843c949d24057a7ed09bcdd47a0de186f10729d05d7f53c2b12ec8e0362c0a046dacce86ddd0343c6d3c7c79c2208ba0d"
    "9c9cf24a6d046d21d21f90f703f006a18d5653c4edf5391ff23a61f03ff83d237e880ee61187fa9f379a028e0a0202989c0b76cb563971"
    "fdc9bef31ec06c3560f3249d6ee9e5d83c57625596e05f6f0003aaaaaa03f991f944d1e1954a7fc8b9bf62e0d78f015f4c07762d505e20"
    "e6c45260a3661b0002bbbbf040e65df49d1a97d218d5e804014dba825983be7b4c59e55a05ed15792ec211a03ff9c7bdb37932c766d161"
    "4ad0f5eec8454c2c41551f9e8e9546ba2b1ee5b143cc";
constexpr const char* kInvoiceRequest =
    "0020894e3626835de4147bffa7b45f65a9bd653a1e3b00d5243af51f44a65ffd801d022006226e46111a0b59caaf126043eb5bbf28c34f"
    "3a5e332a1fc7b2b73cf188910f0e04713fb300108e031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f02"
    "4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d07660202531fe6068134503d2723133227c867ac8fa6c83c53"
    "7e9a44c3c5bdbdcb1fe3370003aaaaaa03462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b0002bbbb1621"
    "02f00c0c061b4e8843c949d24057a7ed09bcdd47a0de186f10729d05d7f53c2b12502006226e46111a0b59caaf126043eb5bbf28c34f3a"
    "5e332a1fc7b2b73cf188910f520213885821037af9ea7771b831d4dc22e9e90b7d7e4a88a50fd4cac7c01b1aedeba1dff5400ff04040c6"
    "fffb3964e3920a31b0415ec797e4958cd162e95050b0599b06114b45a21b150eb6cddacb2b4b27573560fe927ae7dd892c729358af19e9"
    "1c1d34edd4f77e";
}  // namespace

Value foreign_vectors() {
  List list;
  auto offer = offers::Offer::parse(kOffer);
  LN_ASSERT(offer.has_value());
  CaseList("offer", &list).valid("offer", offer->bytes(), Value().set("text", kOffer));
  CaseList("static_invoice", &list).valid("static_invoice", hex(kStaticInvoice));
  CaseList("invoice_request", &list).valid("invoice_request", hex(kInvoiceRequest));
  CaseList("static_invoice_check", &list)
      .valid("a_payer_may_pay_it", hex(kStaticInvoice),
             Value().set("offer", to_hex(offer->bytes())).set("time", std::uint64_t{1'750'000'000}));
  CaseList contents("onion_message_contents", &list);
  contents.valid("held_htlc_available", hex("00"), Value().set("tlv_type", std::uint64_t{72}));
  contents.valid("offer_paths_request_slot_258", hex("0400020102"), Value().set("tlv_type", std::uint64_t{75'540}));
  contents.valid("static_invoice_persisted", hex("00"), Value().set("tlv_type", std::uint64_t{75'546}));
  contents.valid("invoice_error", hex("0405026869"), Value().set("tlv_type", std::uint64_t{68}));
  return file_of("Objects that rust-lightning 0.2.5 wrote, and how they are read. No private keys.", {},
                 std::move(list));
}

}  // namespace doze::toolbox
