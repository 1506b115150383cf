//! Payment onions.

use crate::invoice::{Recipient, SCID};
use crate::node::{Node, Quiet, Seeded};
use crate::{Clock, Row};
use bitcoin::hashes::{sha256::Hash as Sha256, Hash, HashEngine};
use bitcoin::secp256k1::{All, PublicKey, Scalar, Secp256k1, SecretKey};
use lightning::blinded_path::payment::BlindedPaymentPath;
use lightning::blinded_path::BlindedHop;
use lightning::ln::channelmanager::{PendingHTLCRouting, RecipientOnionFields};
use lightning::ln::create_payment_onion;
use lightning::ln::msgs::{OnionPacket, UpdateAddHTLC};
use lightning::ln::onion_payment::peel_payment_onion;
use lightning::ln::types::ChannelId;
use lightning::offers::invoice_request::InvoiceRequest;
use lightning::routing::router::{BlindedTail, Path, RouteHop};
use lightning::sign::{NodeSigner, Recipient as Key};
use lightning::types::features::{ChannelFeatures, NodeFeatures};
use lightning::types::payment::{PaymentHash, PaymentSecret};
use lightning::util::ser::{LengthReadable, Writeable};

const HEIGHT: u32 = 800;
const DELTA: u32 = 72;
const AMOUNT_MSAT: u64 = 1_000_000;

fn hop(pubkey: PublicKey, fee_msat: u64) -> RouteHop {
    RouteHop {
        pubkey,
        node_features: NodeFeatures::empty(),
        short_channel_id: SCID,
        channel_features: ChannelFeatures::empty(),
        fee_msat,
        cltv_expiry_delta: DELTA,
        maybe_announced_channel: true,
    }
}

fn onion(
    secp: &Secp256k1<All>,
    path: &Path,
    session: &SecretKey,
    hash: PaymentHash,
    request: Option<&InvoiceRequest>,
) -> (OnionPacket, u64, u32) {
    let fields = RecipientOnionFields::secret_only(PaymentSecret([6; 32]));
    create_payment_onion(secp, path, session, AMOUNT_MSAT, &fields, HEIGHT + 1, &hash, &None, request, [8; 32]).unwrap()
}

/// `update_add_htlc` in, the next one out, the last two steps as LDK's channel manager does them.
fn forwarded(node: &Node, secp: &Secp256k1<All>, bytes: &[u8]) -> UpdateAddHTLC {
    let add = UpdateAddHTLC::read_from_fixed_length_buffer(&mut &bytes[..]).expect("update_add_htlc");
    let info = match peel_payment_onion(&add, &*node.keys, &Quiet, secp, HEIGHT, false) {
        Ok(info) => info,
        Err(error) => panic!("it does not peel: {}", error.msg),
    };
    let PendingHTLCRouting::Forward { onion_packet, blinded, .. } = info.routing else { panic!("not to be forwarded") };
    let blinding_point = blinded.map(|forward| {
        forward.next_blinding_override.unwrap_or_else(|| {
            let point = forward.inbound_blinding_point;
            let secret = node.keys.ecdh(Key::Node, &point, None).unwrap();
            let mut engine = Sha256::engine();
            engine.input(&point.serialize());
            engine.input(secret.as_ref());
            let factor = Scalar::from_be_bytes(Sha256::from_engine(engine).to_byte_array()).unwrap();
            point.mul_tweak(secp, &factor).unwrap()
        })
    });
    UpdateAddHTLC {
        amount_msat: info.outgoing_amt_msat,
        cltv_expiry: info.outgoing_cltv_value,
        onion_routing_packet: onion_packet,
        blinding_point,
        ..add
    }
}

pub struct Peel {
    first: Node,
    us: Node,
    recipient: Recipient,
    secp: Secp256k1<All>,
    rng: Seeded,
    blinded: bool,
    inputs: Vec<Vec<u8>>,
}

impl Peel {
    pub fn new(blinded: bool) -> Peel {
        let secp = Secp256k1::new();
        Peel {
            first: Node::new(2),
            us: Node::new(1),
            recipient: Recipient::new(),
            secp,
            rng: Seeded::new(3),
            blinded,
            inputs: Vec::new(),
        }
    }

    fn input(&mut self) -> Vec<u8> {
        let hash = PaymentHash(self.rng.bytes());
        let path = if self.blinded {
            // Through another node first: to us come a point in the message and an onion for our blinded id.
            let path = self.recipient.payment_path(&[self.first.id, self.us.id]);
            let fee = path.payinfo.fee_base_msat as u64
                + AMOUNT_MSAT * path.payinfo.fee_proportional_millionths as u64 / 1_000_000;
            let mut hop = hop(self.first.id, fee + 1);
            hop.cltv_expiry_delta = path.payinfo.cltv_expiry_delta as u32;
            Path { hops: vec![hop], blinded_tail: Some(tail(&path)) }
        } else {
            let next = self.rng.point(&self.secp);
            Path { hops: vec![hop(self.us.id, 1_000), hop(next, AMOUNT_MSAT)], blinded_tail: None }
        };
        let (onion_routing_packet, amount_msat, cltv_expiry) = onion(&self.secp, &path, &self.rng.secret(), hash, None);
        let add = UpdateAddHTLC {
            channel_id: ChannelId::from_bytes([8; 32]),
            htlc_id: 1,
            amount_msat,
            payment_hash: hash,
            cltv_expiry,
            skimmed_fee_msat: None,
            onion_routing_packet,
            blinding_point: None,
            hold_htlc: None,
        };
        if !self.blinded {
            return add.encode();
        }
        let next = forwarded(&self.first, &self.secp, &add.encode());
        assert!(next.blinding_point.is_some());
        next.encode()
    }
}

fn tail(path: &BlindedPaymentPath) -> BlindedTail {
    BlindedTail {
        trampoline_hops: Vec::new(),
        hops: path.blinded_hops().to_vec(),
        blinding_point: path.blinding_point(),
        excess_final_cltv_expiry_delta: 0,
        final_value_msat: AMOUNT_MSAT,
    }
}

impl Row for Peel {
    fn fresh(&mut self, operations: usize) {
        self.inputs = (0..operations).map(|_| self.input()).collect();
    }
    fn run(&mut self, number: usize, clock: &mut Clock) {
        let bytes = clock.time(|| forwarded(&self.us, &self.secp, &self.inputs[number]).encode());
        assert!(bytes.len() > 1_366);
    }
}

/// Three ordinary hops, then a blinded tail of one. LDK's routes have their keys parsed already.
pub struct Build {
    secp: Secp256k1<All>,
    rng: Seeded,
    request: Option<InvoiceRequest>,
    inputs: Vec<(Path, SecretKey, PaymentHash)>,
}

impl Build {
    pub fn new(request_bytes: usize) -> Build {
        let request = (request_bytes != 0).then(|| Recipient::new().request(request_bytes));
        Build { secp: Secp256k1::new(), rng: Seeded::new(5), request, inputs: Vec::new() }
    }
}

impl Row for Build {
    fn fresh(&mut self, operations: usize) {
        let (secp, rng) = (&self.secp, &mut self.rng);
        self.inputs = (0..operations)
            .map(|_| {
                let hops = (0..4).map(|_| hop(rng.point(secp), 1_000)).collect();
                let last = BlindedHop { blinded_node_id: rng.point(secp), encrypted_payload: vec![1; 80] };
                let tail = BlindedTail {
                    trampoline_hops: Vec::new(),
                    hops: vec![last],
                    blinding_point: rng.point(secp),
                    excess_final_cltv_expiry_delta: 0,
                    final_value_msat: AMOUNT_MSAT,
                };
                (Path { hops, blinded_tail: Some(tail) }, rng.secret(), PaymentHash(rng.bytes()))
            })
            .collect();
    }
    fn run(&mut self, number: usize, clock: &mut Clock) {
        let (path, session, hash) = &self.inputs[number];
        clock.time(|| onion(&self.secp, path, session, *hash, self.request.as_ref()));
    }
}
