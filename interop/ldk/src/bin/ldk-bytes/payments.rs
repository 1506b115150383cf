//! Onions of payments: built by LDK with a chosen session key, and opened by it layer by layer.

use crate::cases::{array, bytes, key, point, text};
use crate::read::Answer::{self, Accepted, NotAsked, Refused};
use crate::surroundings::{pad, Node, Quiet, SECP};
use crate::view;
use bitcoin::hashes::{sha256, Hash};
use bitcoin::hex::DisplayHex;
use bitcoin::secp256k1::{PublicKey, Scalar, SecretKey};
use lightning::bitcoin;
use lightning::blinded_path::BlindedHop;
use lightning::ln::channelmanager::{PendingHTLCInfo, PendingHTLCRouting, RecipientOnionFields};
use lightning::ln::create_payment_onion;
use lightning::ln::msgs::{OnionPacket, UpdateAddHTLC};
use lightning::ln::onion_payment::peel_payment_onion;
use lightning::ln::types::ChannelId;
use lightning::offers::invoice_request::InvoiceRequest;
use lightning::routing::router::{BlindedTail, Path, RouteHop};
use lightning::sign::{NodeSigner, Recipient};
use lightning::types::features::{ChannelFeatures, NodeFeatures};
use lightning::types::payment::{PaymentHash, PaymentPreimage, PaymentSecret};
use lightning::util::ser::{Readable, Writeable};
use serde_json::{json, Value};

/// What LDK needs for an onion. `way` has node, channel to it, fee and delta as a RouteHop has them: those of the last
/// one are the amount and the recipient's delta, or what the blinded tail costs.
pub struct Payment {
    pub session_key: SecretKey,
    pub payment_hash: [u8; 32],
    pub way: Vec<(PublicKey, u64, u64, u32)>,
    pub amount_msat: u64,
    pub height: u32,
    pub secret: Option<[u8; 32]>,
    pub tail: Option<(PublicKey, Vec<BlindedHop>)>,
    pub preimage: Option<[u8; 32]>,
    pub invoice_request: Option<InvoiceRequest>,
}

impl Payment {
    pub fn onion(self) -> Result<OnionPacket, String> {
        let hop = |&(pubkey, short_channel_id, fee_msat, cltv_expiry_delta): &(PublicKey, u64, u64, u32)| RouteHop {
            pubkey,
            node_features: NodeFeatures::empty(),
            short_channel_id,
            channel_features: ChannelFeatures::empty(),
            fee_msat,
            cltv_expiry_delta,
            maybe_announced_channel: true,
        };
        let tail = self.tail.map(|(blinding_point, hops)| BlindedTail {
            trampoline_hops: vec![],
            hops,
            blinding_point,
            excess_final_cltv_expiry_delta: 0,
            final_value_msat: self.amount_msat,
        });
        let recipient = match self.secret {
            Some(secret) => RecipientOnionFields::secret_only(PaymentSecret(secret)),
            None => RecipientOnionFields::spontaneous_empty(),
        };
        create_payment_onion(
            &SECP,
            &Path { hops: self.way.iter().map(hop).collect(), blinded_tail: tail },
            &self.session_key,
            self.amount_msat,
            &recipient,
            self.height,
            &PaymentHash(self.payment_hash),
            &self.preimage.map(PaymentPreimage),
            self.invoice_request.as_ref(),
            pad(&self.session_key),
        )
        .map(|(packet, _, _)| packet)
        .map_err(|e| format!("{e:?}"))
    }
}

/// An HTLC as a layer's node gets it.
pub struct Incoming {
    pub amount_msat: u64,
    pub cltv_expiry: u32,
    pub path_key: Option<PublicKey>,
}

/// Opens a layer; the height is such that no rule about time is in the way.
pub fn peel(packet: &OnionPacket, hash: [u8; 32], htlc: &Incoming, node: &Node) -> Result<PendingHTLCInfo, String> {
    let add = UpdateAddHTLC {
        channel_id: ChannelId([0; 32]),
        htlc_id: 0,
        amount_msat: htlc.amount_msat,
        payment_hash: PaymentHash(hash),
        cltv_expiry: htlc.cltv_expiry,
        skimmed_fee_msat: None,
        onion_routing_packet: packet.clone(),
        blinding_point: htlc.path_key,
        hold_htlc: None,
    };
    let height = htlc.cltv_expiry.saturating_sub(200);
    peel_payment_onion(&add, node, &Quiet, &SECP, height, false).map_err(|e| e.msg.into())
}

/// BOLT 4, "Route Blinding": the path key for the next node.
pub fn next_path_key(node: &Node, path_key: &PublicKey) -> PublicKey {
    let secret = node.ecdh(Recipient::Node, path_key, None).expect("a secret");
    let factor = sha256::Hash::hash(&[&path_key.serialize()[..], &secret.secret_bytes()].concat());
    path_key.mul_tweak(&SECP, &Scalar::from_be_bytes(factor.to_byte_array()).expect("a scalar")).expect("a point")
}

/// What LDK tells of a layer, under Doze's names, and what the next node gets.
pub fn look(info: &PendingHTLCInfo, node: &Node) -> (Value, Option<(OnionPacket, Incoming)>) {
    match &info.routing {
        PendingHTLCRouting::Forward { onion_packet, short_channel_id, blinded, .. } => {
            let path_key = blinded.map(|b| next_path_key(node, &b.inbound_blinding_point));
            let channel = json!({"short_channel_id": view::scid(*short_channel_id)});
            let mut out = json!({"layer": "forward", "next_packet": onion_packet.encode().to_lower_hex_string()});
            match path_key {
                Some(key) => {
                    out["next_path_key"] = json!(key.to_string());
                    out["recipient_data"] = channel;
                }
                None => {
                    out["payload"] = json!({"hop": "forward", "amt_to_forward_msat": info.outgoing_amt_msat,
                        "outgoing_cltv_value": info.outgoing_cltv_value, "short_channel_id": channel["short_channel_id"]});
                }
            }
            let next =
                Incoming { amount_msat: info.outgoing_amt_msat, cltv_expiry: info.outgoing_cltv_value, path_key };
            (out, Some((onion_packet.clone(), next)))
        }
        PendingHTLCRouting::Receive { payment_data, .. } => (
            json!({"layer": "final", "payload": {"hop": "final", "total_amount_msat": payment_data.total_msat,
                   "payment_secret": payment_data.payment_secret.0.to_lower_hex_string()}}),
            None,
        ),
        PendingHTLCRouting::ReceiveKeysend { payment_preimage, invoice_request, .. } => {
            let request = invoice_request.as_ref().map(|r| r.encode().to_lower_hex_string());
            let payload = json!({"hop": "final", "payment_preimage": payment_preimage.0.to_lower_hex_string(),
                "invoice_request": request, "invoice_request_profile": "ldk"});
            (json!({"layer": "final", "payload": payload}), None)
        }
        PendingHTLCRouting::TrampolineForward { .. } => (json!({"layer": "trampoline"}), None),
    }
}

/// Every layer as far as LDK opens it; then the onion is built again.
pub fn read(case: &Value, input: &[u8]) -> Answer {
    let Ok(mut packet) = OnionPacket::read(&mut &input[..]) else {
        return Refused("no onion".into());
    };
    let hash = array(text(case, "associated_data"));
    let layers = case["layers"].as_array().expect("layers");
    let first = &layers[0]["expect"]["payload"];
    let cltv = first["outgoing_cltv_value"].as_u64().unwrap_or(800_144) + 72 * (first["hop"] == "forward") as u64;
    let amount = first["amt_to_forward_msat"].as_u64().unwrap_or(250_000);
    let mut htlc = Incoming {
        amount_msat: case["amount_msat"].as_u64().unwrap_or(amount),
        cltv_expiry: case["cltv_expiry"].as_u64().unwrap_or(cltv) as u32,
        path_key: case["path_key"].as_str().map(point),
    };
    for layer in layers {
        let (node, expected) = (Node(key(text(layer, "node_private_key"))), &layer["expect"]);
        let info = match peel(&packet, hash, &htlc, &node) {
            Ok(info) => info,
            // As with onion messages: LDK's last hop reads only what LDK encrypted.
            Err(_) if expected["payload"].get("encrypted_recipient_data").is_some() && expected["layer"] == "final" => {
                continue
            }
            Err(why) => return Refused(why),
        };
        let (view, next) = look(&info, &node);
        if let Some(what) = view::difference(&view, expected) {
            return Refused(format!("a layer differs: {what}"));
        }
        if let Some(next) = next {
            (packet, htlc) = next;
        }
    }
    match case.get("build").map(|_| again(case, layers, hash)) {
        Some(Ok(payment)) => match payment.onion() {
            Ok(onion) => Accepted(onion.encode(), json!({})),
            Err(why) => Refused(format!("cannot be built: {why}")),
        },
        Some(Err(why)) => NotAsked(why),
        None => Accepted(input.to_vec(), json!({})),
    }
}

/// The payment that the payloads are of.
fn again(case: &Value, layers: &[Value], payment_hash: [u8; 32]) -> Result<Payment, &'static str> {
    let payloads: Vec<&Value> = layers.iter().map(|l| &l["expect"]["payload"]).collect();
    let (last, before) = payloads.split_last().expect("a payload");
    if last["invoice_request_profile"] == "draft" {
        return Err("LDK writes the invoice_request under its own number only");
    }
    let amount = |payload: &Value| payload["amt_to_forward_msat"].as_u64().expect("an amount");
    let cltv = |payload: &Value| payload["outgoing_cltv_value"].as_u64().expect("a height") as u32;
    let is_forward = |payload: &&&Value| payload["hop"] == "forward";
    let ids: Vec<PublicKey> = text(&case["build"], "hops").split(',').map(|hop| point(&hop[..66])).collect();
    let blinded: Vec<BlindedHop> = payloads
        .iter()
        .zip(&ids)
        .filter_map(|(payload, id)| {
            let data = payload["encrypted_recipient_data"].as_str()?;
            Some(BlindedHop { blinded_node_id: *id, encrypted_payload: bytes(data) })
        })
        .collect();
    // Every node that is named, with what the one before pays it.
    let unblinded = before.iter().filter(is_forward).count();
    let mut way = vec![(ids[0], 1, 0, 0)];
    for (i, payload) in before.iter().take(unblinded).enumerate() {
        let next = before.get(i + 1).filter(is_forward).copied().unwrap_or(last);
        let channel = parse_scid(text(payload, "short_channel_id"));
        way.push((ids[i + 1], channel, amount(payload) - amount(next), cltv(payload) - cltv(next)));
    }
    let end = way.last_mut().expect("a hop");
    let mut height = cltv(last);
    if blinded.is_empty() {
        (end.2, end.3, height) = (amount(last), 42, height - 42);
    }
    let path_key = before.iter().find_map(|p| p["current_path_key"].as_str()).map(point);
    Ok(Payment {
        session_key: key(text(&case["build"], "session_key")),
        payment_hash,
        way,
        amount_msat: amount(last),
        height,
        secret: last["payment_secret"].as_str().map(array),
        tail: path_key.map(|path_key| (path_key, blinded)),
        preimage: last["payment_preimage"].as_str().map(array),
        invoice_request: last["invoice_request"]
            .as_str()
            .map(|r| InvoiceRequest::try_from(bytes(r)).expect("a request")),
    })
}

pub fn parse_scid(text: &str) -> u64 {
    let parts: Vec<u64> = text.split('x').map(|part| part.parse().expect("a number")).collect();
    parts[0] << 40 | parts[1] << 16 | parts[2]
}
