//! What LDK asks of its surroundings, with nothing left to chance.

use bitcoin::hashes::{sha256, Hash, HashEngine, Hmac, HmacEngine};
use bitcoin::secp256k1::ecdh::SharedSecret;
use bitcoin::secp256k1::{ecdsa, schnorr, All, PublicKey, Scalar, Secp256k1, SecretKey};
use lightning::bitcoin;
use lightning::bolt11_invoice::RawBolt11Invoice;
use lightning::ln::inbound_payment::ExpandedKey;
use lightning::ln::msgs::UnsignedGossipMessage;
use lightning::offers::invoice::UnsignedBolt12Invoice;
use lightning::sign::{EntropySource, NodeSigner, PeerStorageKey, ReceiveAuthKey, Recipient};
use lightning::util::logger::{Logger, Record};
use std::sync::{LazyLock, Mutex};

pub static SECP: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);

/// Gives these values in turn.
pub struct Chosen(Mutex<Vec<[u8; 32]>>);

impl Chosen {
    pub fn of(values: &[[u8; 32]]) -> Self {
        Self(Mutex::new(values.iter().rev().copied().collect()))
    }
    /// A path's or a message's session key; then, for a message, what its packet is filled with at first, as BOLT 4
    /// derives it from that key.
    pub fn session(key: &SecretKey) -> Self {
        Self::of(&[key.secret_bytes(), pad(key)])
    }
}

impl EntropySource for Chosen {
    fn get_secure_random_bytes(&self) -> [u8; 32] {
        self.0.lock().unwrap().pop().expect("LDK asked for more chance than there is")
    }
}

/// BOLT 4, "Packet Construction": the key of the stream that a packet is at first.
pub fn pad(session_key: &SecretKey) -> [u8; 32] {
    let mut engine = HmacEngine::<sha256::Hash>::new(b"pad");
    engine.input(&session_key.secret_bytes());
    Hmac::from_engine(engine).to_byte_array()
}

/// A node that has this key, and says nothing but what follows from it.
pub struct Node(pub SecretKey);

impl Node {
    pub fn id(&self) -> PublicKey {
        self.0.public_key(&SECP)
    }
}

impl NodeSigner for Node {
    fn get_expanded_key(&self) -> ExpandedKey {
        ExpandedKey::new([42; 32])
    }
    fn get_receive_auth_key(&self) -> ReceiveAuthKey {
        ReceiveAuthKey([41; 32])
    }
    fn get_node_id(&self, _: Recipient) -> Result<PublicKey, ()> {
        Ok(self.id())
    }
    fn ecdh(&self, _: Recipient, other: &PublicKey, tweak: Option<&Scalar>) -> Result<SharedSecret, ()> {
        let point = match tweak {
            Some(tweak) => other.mul_tweak(&SECP, tweak).map_err(|_| ())?,
            None => *other,
        };
        Ok(SharedSecret::new(&point, &self.0))
    }
    fn get_peer_storage_key(&self) -> PeerStorageKey {
        unimplemented!()
    }
    fn sign_invoice(&self, _: &RawBolt11Invoice, _: Recipient) -> Result<ecdsa::RecoverableSignature, ()> {
        Err(())
    }
    fn sign_bolt12_invoice(&self, _: &UnsignedBolt12Invoice) -> Result<schnorr::Signature, ()> {
        Err(())
    }
    fn sign_gossip_message(&self, _: UnsignedGossipMessage) -> Result<ecdsa::Signature, ()> {
        Err(())
    }
    fn sign_message(&self, _: &[u8]) -> Result<String, ()> {
        Err(())
    }
}

pub struct Quiet;

impl Logger for Quiet {
    fn log(&self, _: Record) {}
}
