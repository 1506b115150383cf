//! LDK's view of an object, field by field under Doze's names: what its API tells. Its offer_id is another hash, which
//! stays inside of LDK.

use bitcoin::hex::DisplayHex;
use bitcoin::secp256k1::PublicKey;
use lightning::bitcoin;
use lightning::blinded_path::message::BlindedMessagePath;
use lightning::blinded_path::payment::{BlindedPayInfo, BlindedPaymentPath};
use lightning::blinded_path::{BlindedHop, Direction, IntroductionNode};
use lightning::ln::msgs::{RevokeAndACK, UpdateAddHTLC};
use lightning::offers::invoice::Bolt12Invoice;
use lightning::offers::invoice_request::InvoiceRequest;
use lightning::offers::offer::{Amount, Offer};
use lightning::offers::static_invoice::StaticInvoice;
use lightning::onion_message::async_payments::AsyncPaymentsMessage;
use lightning::onion_message::offers::OffersMessage;
use lightning::util::ser::Writeable;
use serde_json::{json, Value};

pub fn scid(number: u64) -> String {
    format!("{}x{}x{}", number >> 40, (number >> 16) & 0xff_ffff, number & 0xffff)
}

fn hops(introduction: &IntroductionNode, path_key: PublicKey, hops: &[BlindedHop]) -> Value {
    let path: Vec<Value> = hops
        .iter()
        .map(|hop| {
            json!({"blinded_node_id": hop.blinded_node_id.to_string(),
                   "encrypted_recipient_data": hop.encrypted_payload.to_lower_hex_string()})
        })
        .collect();
    let mut out = json!({"first_path_key": path_key.to_string(), "path": path});
    match introduction {
        IntroductionNode::NodeId(id) => out["first_node_id"] = json!(id.to_string()),
        IntroductionNode::DirectedShortChannelId(direction, channel) => {
            out["first_node_channel"] = json!(scid(*channel));
            out["first_node_direction"] = json!(matches!(direction, Direction::NodeTwo) as u8);
        }
    }
    out
}

pub fn message_path(path: &BlindedMessagePath) -> Value {
    hops(path.introduction_node(), path.blinding_point(), path.blinded_hops())
}

pub fn payment_path(path: &BlindedPaymentPath) -> Value {
    hops(path.introduction_node(), path.blinding_point(), path.blinded_hops())
}

fn payinfo(info: &BlindedPayInfo) -> Value {
    json!({"fee_base_msat": info.fee_base_msat, "fee_proportional_millionths": info.fee_proportional_millionths,
           "cltv_expiry_delta": info.cltv_expiry_delta, "htlc_minimum_msat": info.htlc_minimum_msat,
           "htlc_maximum_msat": info.htlc_maximum_msat})
}

/// The accessors of offers' fields have the same names in every object that repeats an offer, but no common trait.
macro_rules! offer_fields {
    ($object:expr, $amount:expr, $paths:expr) => {{
        let object = $object;
        let mut out = json!({});
        if let Some(Amount::Bitcoin { amount_msats }) = $amount {
            out["offer_amount_msat"] = json!(amount_msats);
        }
        if let Some(text) = object.description() {
            out["offer_description"] = json!(text.to_string());
        }
        if let Some(time) = object.absolute_expiry() {
            out["offer_absolute_expiry_unix"] = json!(time.as_secs());
        }
        if let Some(text) = object.issuer() {
            out["offer_issuer"] = json!(text.to_string());
        }
        if let Some(key) = object.issuer_signing_pubkey() {
            out["offer_issuer_id"] = json!(key.to_string());
        }
        let paths: &[BlindedMessagePath] = $paths;
        if !paths.is_empty() {
            out["offer_paths"] = paths.iter().map(message_path).collect();
        }
        out
    }};
}

macro_rules! invoice_fields {
    ($invoice:expr, $out:expr) => {{
        let (invoice, out) = ($invoice, &mut $out);
        let created = invoice.created_at().as_secs();
        out["invoice_created_at_unix"] = json!(created);
        out["expires_at_unix"] = json!(created.saturating_add(invoice.relative_expiry().as_secs()));
        out["invoice_node_id"] = json!(invoice.signing_pubkey().to_string());
        out["invoice_paths"] = invoice.payment_paths().iter().map(payment_path).collect();
        out["invoice_blindedpay"] = invoice.payment_paths().iter().map(|p| payinfo(&p.payinfo)).collect();
        out["signature"] = json!(invoice.signature().serialize().to_lower_hex_string());
    }};
}

pub fn offer(offer: &Offer) -> Value {
    offer_fields!(offer, offer.amount(), offer.paths())
}

pub fn invoice_request(request: &InvoiceRequest) -> Value {
    let mut out = offer_fields!(request, request.amount(), request.paths());
    if request.has_amount_msats() {
        out["invreq_amount_msat"] = json!(request.amount_msats());
    }
    if let Some(quantity) = request.quantity() {
        out["invreq_quantity"] = json!(quantity);
    }
    if let Some(note) = request.payer_note() {
        out["invreq_payer_note"] = json!(note.to_string());
    }
    out["invreq_metadata"] = json!(request.payer_metadata().to_lower_hex_string());
    out["invreq_payer_id"] = json!(request.payer_signing_pubkey().to_string());
    out["signature"] = json!(request.signature().serialize().to_lower_hex_string());
    out
}

pub fn invoice(invoice: &Bolt12Invoice) -> Value {
    let mut out = offer_fields!(invoice, invoice.amount(), invoice.message_paths());
    invoice_fields!(invoice, out);
    out["invoice_amount_msat"] = json!(invoice.amount_msats());
    out["invoice_payment_hash"] = json!(invoice.payment_hash().0.to_lower_hex_string());
    out
}

pub fn static_invoice(invoice: &StaticInvoice) -> Value {
    let mut out = offer_fields!(invoice, invoice.amount(), invoice.offer_message_paths());
    invoice_fields!(invoice, out);
    out["profile"] = json!("ldk");
    out["static_invoice_message_paths"] = invoice.message_paths().iter().map(message_path).collect();
    out
}

pub fn update_add_htlc(add: &UpdateAddHTLC) -> Value {
    let mut out = json!({
        "channel_id": add.channel_id.to_string(), "id": add.htlc_id, "amount_msat": add.amount_msat,
        "payment_hash": add.payment_hash.0.to_lower_hex_string(), "cltv_expiry": add.cltv_expiry,
        "onion_routing_packet": add.onion_routing_packet.encode().to_lower_hex_string(),
    });
    if let Some(key) = add.blinding_point {
        out["path_key"] = json!(key.to_string());
    }
    if add.hold_htlc.is_some() {
        out["hold_htlc"] = json!("ldk");
    }
    out
}

pub fn revoke_and_ack(revoke: &RevokeAndACK) -> Value {
    let mut out = json!({
        "channel_id": revoke.channel_id.to_string(),
        "per_commitment_secret": revoke.per_commitment_secret.to_lower_hex_string(),
        "next_per_commitment_point": revoke.next_per_commitment_point.to_string(),
    });
    let paths = &revoke.release_htlc_message_paths;
    if !paths.is_empty() {
        let view = |(id, path): &(u64, BlindedMessagePath)| json!({"profile": "ldk", "htlc_id": id, "path": message_path(path)});
        out["release_paths"] = paths.iter().map(view).collect();
    }
    out
}

pub fn offers_message(message: &OffersMessage) -> Value {
    let hex = message.encode().to_lower_hex_string();
    match message {
        OffersMessage::InvoiceRequest(_) => json!({"message": "invoice_request", "invoice_request": hex}),
        OffersMessage::Invoice(_) => json!({"message": "invoice", "invoice": hex}),
        OffersMessage::StaticInvoice(_) => json!({"message": "static_invoice", "static_invoice": hex}),
        OffersMessage::InvoiceError(_) => json!({"message": "invoice_error", "profile": "ldk"}),
    }
}

pub fn async_message(message: &AsyncPaymentsMessage) -> Value {
    let mut out = match message {
        AsyncPaymentsMessage::OfferPathsRequest(request) => {
            json!({"message": "offer_paths_request", "invoice_slot": request.invoice_slot})
        }
        AsyncPaymentsMessage::OfferPaths(paths) => {
            let mut out = json!({"message": "offer_paths"});
            out["paths"] = paths.paths.iter().map(message_path).collect();
            if let Some(time) = paths.paths_absolute_expiry {
                out["paths_absolute_expiry_unix"] = json!(time);
            }
            out
        }
        AsyncPaymentsMessage::ServeStaticInvoice(serve) => json!({
            "message": "serve_static_invoice", "invoice": serve.invoice.encode().to_lower_hex_string(),
            "forward_invoice_request_path": message_path(&serve.forward_invoice_request_path)}),
        AsyncPaymentsMessage::StaticInvoicePersisted(_) => json!({"message": "static_invoice_persisted"}),
        AsyncPaymentsMessage::HeldHtlcAvailable(_) => json!({"message": "held_htlc_available"}),
        AsyncPaymentsMessage::ReleaseHeldHtlc(_) => json!({"message": "release_held_htlc"}),
    };
    out["profile"] = json!("ldk");
    out
}

/// What of `ldk` is not so in `doze`, as a path of names; fields that LDK does not tell do not matter.
pub fn difference(ldk: &Value, doze: &Value) -> Option<String> {
    match (ldk, doze) {
        (Value::Object(ldk), Value::Object(doze)) => ldk.iter().find_map(|(name, value)| match doze.get(name) {
            None => Some(format!("{name}: missing")),
            Some(there) => difference(value, there).map(|inner| format!("{name}.{inner}")),
        }),
        (Value::Array(ldk), Value::Array(doze)) if ldk.len() == doze.len() => {
            ldk.iter().zip(doze).find_map(|(ldk, doze)| difference(ldk, doze))
        }
        _ if ldk == doze => None,
        _ => Some(format!("LDK has {ldk}, the file {doze}")),
    }
}
