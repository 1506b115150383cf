//! Commitment rounds, and gossip.

use crate::node::{Node, Seeded};
use crate::{Clock, Row};
use bitcoin::hashes::{sha256d, Hash};
use bitcoin::secp256k1::ecdsa::Signature;
use bitcoin::secp256k1::{All, Message, PublicKey, Secp256k1, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{Network, Txid};
use lightning::chain::transaction::OutPoint;
use lightning::ln::chan_utils::{
    build_htlc_transaction, get_htlc_redeemscript, make_funding_redeemscript, ChannelTransactionParameters,
    CommitmentTransaction, CounterpartyChannelTransactionParameters, CounterpartyCommitmentSecrets,
    HTLCOutputInCommitment, HolderCommitmentTransaction,
};
use lightning::ln::msgs::{ChannelAnnouncement, UnsignedChannelAnnouncement};
use lightning::routing::gossip::{verify_channel_announcement, NodeId};
use lightning::sign::ecdsa::EcdsaChannelSigner;
use lightning::sign::{ChannelSigner, InMemorySigner, SignerProvider};
use lightning::types::features::{ChannelFeatures, ChannelTypeFeatures};
use lightning::types::payment::PaymentHash;
use lightning::util::ser::{LengthReadable, Writeable};

const CAPACITY_SAT: u64 = 16_000_000;
const FEERATE: u32 = 2_500;
const DELAY: u16 = 144;
/// LDK counts commitments down from here.
const FIRST: u64 = (1 << 48) - 1;

struct Side {
    signer: InMemorySigner,
    parameters: ChannelTransactionParameters,
    /// Of the other side, and the point of its commitment before the next one.
    secrets: CounterpartyCommitmentSecrets,
    their_point: PublicKey,
}

/// A channel with anchors and `count` HTLCs, of both sides in turn. One operation: each side signs the other's next
/// commitment, verifies its own, gives away the secret of the one before and checks the one it is given. This is the
/// cryptography of a round: there is no channel, no message, no monitor around it.
pub struct Rounds {
    a: Side,
    b: Side,
    htlcs: Vec<HTLCOutputInCommitment>,
    number: u64,
    secp: Secp256k1<All>,
}

impl Rounds {
    pub fn new(count: u64) -> Rounds {
        let secp = Secp256k1::new();
        let signer = |seed| Node::new(seed).keys.derive_channel_signer([seed; 32]);
        let (a, b) = (signer(1), signer(2));
        let parameters = |us: &InMemorySigner, them: &InMemorySigner, funder| ChannelTransactionParameters {
            holder_pubkeys: us.pubkeys(&secp),
            holder_selected_contest_delay: DELAY,
            is_outbound_from_holder: funder,
            counterparty_parameters: Some(CounterpartyChannelTransactionParameters {
                pubkeys: them.pubkeys(&secp),
                selected_contest_delay: DELAY,
            }),
            funding_outpoint: Some(OutPoint { txid: Txid::from_byte_array([9; 32]), index: 0 }),
            splice_parent_funding_txid: None,
            channel_type_features: ChannelTypeFeatures::anchors_zero_htlc_fee_and_dependencies(),
            channel_value_satoshis: CAPACITY_SAT,
        };
        let (of_a, of_b) = (parameters(&a, &b, true), parameters(&b, &a, false));
        let first = |signer: &InMemorySigner| signer.get_per_commitment_point(FIRST, &secp).unwrap();
        let (point_a, point_b) = (first(&a), first(&b));
        let side = |signer, parameters, their_point| Side {
            signer,
            parameters,
            secrets: CounterpartyCommitmentSecrets::new(),
            their_point,
        };
        let htlcs = (0..count)
            .map(|i| HTLCOutputInCommitment {
                offered: i % 2 == 0,
                amount_msat: 10_000_000,
                cltv_expiry: 1_000,
                payment_hash: PaymentHash(Seeded::new(i).bytes()),
                transaction_output_index: None,
            })
            .collect();
        let (a, b) = (side(a, of_a, point_b), side(b, of_b, point_a));
        Rounds { a, b, htlcs, number: FIRST - 1, secp }
    }

    /// HTLCs are marked from A's view.
    fn htlcs_of(&self, of_a: bool) -> Vec<HTLCOutputInCommitment> {
        let mut out = self.htlcs.clone();
        out.iter_mut().for_each(|htlc| htlc.offered = htlc.offered == of_a);
        out
    }

    fn round(&mut self) {
        let balance = CAPACITY_SAT / 2 - self.htlcs.len() as u64 * 5_000 - 10_000;
        let (number, before) = (self.number, self.number + 1);
        for of_a in [false, true] {
            let htlcs = &self.htlcs_of(of_a);
            let secp = &self.secp;
            let (signs, verifies) = if of_a { (&mut self.b, &self.a) } else { (&mut self.a, &self.b) };
            let point = verifies.signer.get_per_commitment_point(number, secp).unwrap();
            let signed = signs.sign(secp, number, &point, balance, htlcs);
            verifies.verify(secp, number, &point, balance, htlcs, signed);
            let secret = verifies.signer.release_commitment_secret(before).unwrap();
            signs.revoked(secp, before, secret, point);
        }
        self.number -= 1;
    }
}

impl Side {
    fn sign(
        &self,
        secp: &Secp256k1<All>,
        number: u64,
        point: &PublicKey,
        balance: u64,
        htlcs: &[HTLCOutputInCommitment],
    ) -> (Signature, Vec<Signature>) {
        let theirs = self.parameters.as_counterparty_broadcastable();
        let commitment =
            CommitmentTransaction::new(number, point, balance, balance, FEERATE, htlcs.to_vec(), &theirs, secp);
        self.signer.sign_counterparty_commitment(&self.parameters, &commitment, vec![], vec![], secp).unwrap()
    }

    /// The other side gives away the secret of the commitment before.
    fn revoked(&mut self, secp: &Secp256k1<All>, before: u64, secret: [u8; 32], next_point: PublicKey) {
        let key = SecretKey::from_slice(&secret).unwrap();
        assert_eq!(PublicKey::from_secret_key(secp, &key), self.their_point);
        self.secrets.provide_secret(before, secret).unwrap();
        self.signer.validate_counterparty_revocation(before, &key).unwrap();
        self.their_point = next_point;
    }

    /// As the channel of LDK does it.
    fn verify(
        &self,
        secp: &Secp256k1<All>,
        number: u64,
        point: &PublicKey,
        balance: u64,
        htlcs: &[HTLCOutputInCommitment],
        (signature, of_htlcs): (Signature, Vec<Signature>),
    ) {
        let parameters = &self.parameters;
        let ours = parameters.as_holder_broadcastable();
        let commitment =
            CommitmentTransaction::new(number, point, balance, balance, FEERATE, htlcs.to_vec(), &ours, secp);
        let funding = &parameters.holder_pubkeys.funding_pubkey;
        let their_funding = &parameters.counterparty_parameters.as_ref().unwrap().pubkeys.funding_pubkey;
        let trusted = commitment.trust();
        let built = trusted.built_transaction();
        let script = make_funding_redeemscript(funding, their_funding);
        let digest = built.get_sighash_all(&script, CAPACITY_SAT);
        secp.verify_ecdsa(&digest, &signature, their_funding).expect("a signature of the commitment");
        let keys = trusted.keys();
        let kind = &parameters.channel_type_features;
        assert_eq!(commitment.nondust_htlcs().len(), of_htlcs.len());
        for (htlc, signature) in commitment.nondust_htlcs().iter().zip(&of_htlcs) {
            let transaction = build_htlc_transaction(
                &built.txid,
                FEERATE,
                DELAY,
                htlc,
                kind,
                &keys.broadcaster_delayed_payment_key,
                &keys.revocation_key,
            );
            let script = get_htlc_redeemscript(htlc, kind, keys);
            let how = EcdsaSighashType::SinglePlusAnyoneCanPay;
            let digest = SighashCache::new(&transaction)
                .p2wsh_signature_hash(0, &script, htlc.to_bitcoin_amount(), how)
                .unwrap();
            let digest = Message::from_digest(digest.to_byte_array());
            let key = keys.countersignatory_htlc_key.to_public_key();
            secp.verify_ecdsa(&digest, signature, &key).expect("a signature of an HTLC");
        }
        let held = HolderCommitmentTransaction::new(commitment.clone(), signature, of_htlcs, funding, their_funding);
        self.signer.validate_holder_commitment(&held, vec![]).unwrap();
    }
}

impl Row for Rounds {
    fn fresh(&mut self, _: usize) {}
    fn run(&mut self, _: usize, clock: &mut Clock) {
        clock.time(|| self.round());
    }
}

/// From bytes to four verified signatures.
pub struct Announcement {
    secp: Secp256k1<All>,
    rng: Seeded,
    inputs: Vec<Vec<u8>>,
}

impl Announcement {
    pub fn new() -> Announcement {
        Announcement { secp: Secp256k1::new(), rng: Seeded::new(13), inputs: Vec::new() }
    }
    fn input(&mut self) -> Vec<u8> {
        let keys = [(); 4].map(|_| self.rng.secret());
        let [node_id_1, node_id_2, bitcoin_key_1, bitcoin_key_2] =
            keys.map(|key| NodeId::from_pubkey(&key.public_key(&self.secp)));
        let contents = UnsignedChannelAnnouncement {
            features: ChannelFeatures::empty(),
            chain_hash: bitcoin::constants::ChainHash::using_genesis_block(Network::Regtest),
            short_channel_id: 100 << 40 | 1 << 16,
            node_id_1,
            node_id_2,
            bitcoin_key_1,
            bitcoin_key_2,
            excess_data: Vec::new(),
        };
        let digest = Message::from_digest(sha256d::Hash::hash(&contents.encode()).to_byte_array());
        let [node_signature_1, node_signature_2, bitcoin_signature_1, bitcoin_signature_2] =
            keys.map(|key| self.secp.sign_ecdsa(&digest, &key));
        ChannelAnnouncement { node_signature_1, node_signature_2, bitcoin_signature_1, bitcoin_signature_2, contents }
            .encode()
    }
}

impl Row for Announcement {
    fn fresh(&mut self, operations: usize) {
        self.inputs = (0..operations).map(|_| self.input()).collect();
    }
    fn run(&mut self, number: usize, clock: &mut Clock) {
        let input = &self.inputs[number];
        let good = clock.time(|| {
            let message = ChannelAnnouncement::read_from_fixed_length_buffer(&mut &input[..]).expect("an announcement");
            verify_channel_announcement(&message, &self.secp).is_ok()
        });
        assert!(good, "a signature is wrong");
    }
}
