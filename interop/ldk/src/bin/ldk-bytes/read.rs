//! LDK reads what the vectors have: it must accept what they call valid and write the same bytes again, refuse what they
//! call invalid, and see the same fields.

use crate::cases::{bytes, cases, key, named_key, paths, point, text};
use crate::payments;
use crate::surroundings::{Chosen, Node, Quiet, SECP};
use crate::view;
use bitcoin::hex::DisplayHex;
use lightning::bitcoin;
use lightning::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode, NextMessageHop};
use lightning::blinded_path::{EmptyNodeIdLookUp, IntroductionNode};
use lightning::ln::msgs;
use lightning::ln::peer_handler::IgnoringMessageHandler;
use lightning::offers::invoice::Bolt12Invoice;
use lightning::offers::invoice_request::InvoiceRequest;
use lightning::offers::offer::Offer;
use lightning::offers::static_invoice::StaticInvoice;
use lightning::onion_message::async_payments::AsyncPaymentsMessage;
use lightning::onion_message::messenger::{
    create_onion_message, peel_onion_message, Destination, OnionMessagePath, PeeledOnion,
};
use lightning::onion_message::offers::OffersMessage;
use lightning::onion_message::packet::OnionMessageContents;
use lightning::sign::NodeSigner;
use lightning::util::ser::{BigSize, LengthReadable, ReadableArgs, Writeable, Writer};
use serde_json::{json, Value};
use std::time::Duration;

/// What LDK makes of a case.
pub enum Answer {
    /// What it writes again, and what it tells of the fields.
    Accepted(Vec<u8>, Value),
    Refused(String),
    /// Its API has no way to ask.
    NotAsked(&'static str),
}
use Answer::{Accepted, NotAsked, Refused};

/// None: as the case says.
pub fn difference(case: &Value, answer: &Answer) -> Option<String> {
    match (answer, case["valid"] == true) {
        (Accepted(..), false) => Some("accepted".into()),
        (Refused(why), true) => Some(format!("refused: {why}")),
        (Accepted(again, view), true) => {
            if again.to_lower_hex_string() != text(case, "input") {
                return Some("writes other bytes".into());
            }
            case.get("expect").and_then(|expect| view::difference(view, expect)).map(|what| format!("reads {what}"))
        }
        _ => None,
    }
}

pub fn ask(case: &Value) -> Answer {
    let input = bytes(text(case, "input"));
    match text(case, "kind") {
        "offer" => whole(Offer::try_from(input), view::offer),
        "invoice_request" => whole(InvoiceRequest::try_from(input), view::invoice_request),
        "invoice" => whole(Bolt12Invoice::try_from(input), view::invoice),
        "static_invoice" => whole(StaticInvoice::try_from(input), view::static_invoice),
        "static_invoice_check" => check(case, input),
        "blinded_path" => all::<BlindedMessagePath>(&input, view::message_path),
        "message" => message(&input),
        "onion_message_contents" => contents(case["tlv_type"].as_u64().expect("a type"), &input),
        "onion_message" => onion_message(case, &input),
        "payment_onion" => payments::read(case, &input),
        "payment_onion_payload" => NotAsked("LDK reads a payload only inside of an onion: payment-onions.json"),
        _ => NotAsked("LDK has no such object"),
    }
}

fn whole<T: Writeable, E: std::fmt::Debug>(read: Result<T, E>, view: impl Fn(&T) -> Value) -> Answer {
    match read {
        Ok(object) => Accepted(object.encode(), view(&object)),
        Err(why) => Refused(format!("{why:?}")),
    }
}

/// Reads all of the bytes.
fn all<T: LengthReadable + Writeable>(mut bytes: &[u8], view: impl Fn(&T) -> Value) -> Answer {
    let read = T::read_from_fixed_length_buffer(&mut bytes);
    if read.is_ok() && !bytes.is_empty() {
        return Refused(format!("{} bytes too many", bytes.len()));
    }
    whole(read, view)
}

/// What of a payer's rules the API tells: the invoice is one, of that offer, and not expired.
fn check(case: &Value, input: Vec<u8>) -> Answer {
    let now = Duration::from_secs(case["time"].as_u64().expect("a time"));
    let invoice = match StaticInvoice::try_from(input) {
        Ok(invoice) => invoice,
        Err(why) => return Refused(format!("{why:?}")),
    };
    match Offer::try_from(bytes(text(case, "offer"))) {
        Err(why) => Refused(format!("the offer: {why:?}")),
        Ok(offer) if offer.id() != invoice.offer_id() => Refused("of another offer".into()),
        Ok(offer) if offer.is_expired_no_std(now) => Refused("the offer has expired".into()),
        Ok(_) if invoice.is_expired_no_std(now) => Refused("expired".into()),
        Ok(_) => Accepted(invoice.encode(), json!({})),
    }
}

fn message(input: &[u8]) -> Answer {
    let number = u16::from_be_bytes([input[0], input[1]]);
    /// LDK's table of messages is not public: this is it.
    macro_rules! by_number {
        ($($number:literal $message:ident $($view:path)?,)*) => {
            match number {
                $($number => all::<msgs::$message>(&input[2..], by_number!(view $($view)?)),)*
                _ => return NotAsked("LDK has no such message"),
            }
        };
        (view $view:path) => { $view };
        (view) => { |_| json!({}) };
    }
    let answer = by_number! {
        1 WarningMessage, 16 Init, 17 ErrorMessage, 18 Ping, 19 Pong, 32 OpenChannel, 33 AcceptChannel,
        34 FundingCreated, 35 FundingSigned, 36 ChannelReady, 38 Shutdown, 39 ClosingSigned,
        128 UpdateAddHTLC view::update_add_htlc, 130 UpdateFulfillHTLC, 131 UpdateFailHTLC, 132 CommitmentSigned,
        133 RevokeAndACK view::revoke_and_ack, 134 UpdateFee, 135 UpdateFailMalformedHTLC, 136 ChannelReestablish,
        256 ChannelAnnouncement, 257 NodeAnnouncement, 258 ChannelUpdate, 259 AnnouncementSignatures,
        261 QueryShortChannelIds, 262 ReplyShortChannelIdsEnd, 263 QueryChannelRange, 264 ReplyChannelRange,
        265 GossipTimestampFilter, 513 OnionMessage,
    };
    match answer {
        Accepted(again, view) => Accepted([&input[..2], &again].concat(), view),
        other => other,
    }
}

fn contents(number: u64, mut input: &[u8]) -> Answer {
    if OffersMessage::is_known_type(number) {
        let read = <OffersMessage as ReadableArgs<(u64, &Quiet)>>::read(&mut input, (number, &Quiet));
        return whole(read, view::offers_message);
    }
    if AsyncPaymentsMessage::is_known_type(number) {
        return whole(<AsyncPaymentsMessage as ReadableArgs<u64>>::read(&mut input, number), view::async_message);
    }
    Refused("a type that LDK does not know".into())
}

// ---- onion messages ----

/// Contents as bytes, whatever their form.
#[derive(Debug)]
struct Raw(u64, Vec<u8>);

impl Writeable for Raw {
    fn write<W: Writer>(&self, to: &mut W) -> Result<(), lightning::io::Error> {
        to.write_all(&self.1)
    }
}

impl OnionMessageContents for Raw {
    fn tlv_type(&self) -> u64 {
        self.0
    }
    fn msg_type(&self) -> &'static str {
        "raw"
    }
}

/// Every layer as far as LDK opens it; then the message is built again with the keys of `build`.
fn onion_message(case: &Value, input: &[u8]) -> Answer {
    let Ok(mut onion) = msgs::OnionMessage::read_from_fixed_length_buffer(&mut &input[2..]) else {
        return Refused("no onion_message".into());
    };
    for layer in case["layers"].as_array().expect("layers") {
        let node = Node(key(text(layer, "node_private_key")));
        let expected = &layer["expect"];
        let opened = peel_onion_message(&onion, &SECP, &node, &Quiet, IgnoringMessageHandler {});
        let (view, next) = match opened {
            Ok(PeeledOnion::Forward(next, onion)) => (forward(&next, &onion), Some(onion)),
            Ok(PeeledOnion::AsyncPayments(message, _, reply)) => (last(view::async_message(&message), reply), None),
            Ok(PeeledOnion::Offers(message, _, reply)) => (last(view::offers_message(&message), reply), None),
            Ok(_) => return Refused("something else".into()),
            // A last hop of LDK's reads its own contexts only; 6, the BOLT's path_id, is even and unknown to it.
            Err(()) if expected["layer"] == "final" && expected.get("path_id").is_some() => continue,
            Err(()) => return Refused("does not open".into()),
        };
        if let Some(what) = view::difference(&view, expected) {
            return Refused(format!("a layer differs: {what}"));
        }
        let Some(next) = next else { break };
        onion = next;
    }
    match case.get("build") {
        Some(build) => rebuild(case, build),
        None => Accepted(input.to_vec(), json!({})),
    }
}

pub fn forward(next: &NextMessageHop, onion: &msgs::OnionMessage) -> Value {
    let bytes = [&[2, 1], &onion.encode()[..]].concat();
    let mut out = json!({"layer": "relay", "onion_message": bytes.to_lower_hex_string()});
    match next {
        NextMessageHop::NodeId(id) => out["next_node_id"] = json!(id.to_string()),
        NextMessageHop::ShortChannelId(channel) => out["short_channel_id"] = json!(view::scid(*channel)),
    }
    out
}

fn last(contents: Value, reply: Option<BlindedMessagePath>) -> Value {
    let mut out = json!({"layer": "final", "contents": contents});
    if let Some(path) = reply {
        out["reply_path"] = view::message_path(&path);
    }
    out
}

/// LDK has one key for the blinding of its own part of the way and for the packet.
fn rebuild(case: &Value, build: &Value) -> Answer {
    let way: Vec<_> = text(build, "way").split(',').filter(|id| !id.is_empty()).map(point).collect();
    if !way.is_empty() && build["session_key"] != build["onion_key"] {
        return Accepted(bytes(text(case, "input")), json!({}));
    }
    let (number, contents) = contents_of(build);
    let path = OnionMessagePath {
        intermediate_nodes: way,
        destination: Destination::BlindedPath(paths(text(build, "to")).remove(0)),
        first_node_addresses: vec![],
    };
    let sender = Node(key(&"11".repeat(32)));
    let built = create_onion_message(
        &&Chosen::session(&key(text(build, "onion_key"))),
        &&sender,
        &&EmptyNodeIdLookUp {},
        &SECP,
        path,
        Raw(number, contents),
        paths(text(build, "reply_path")).pop(),
    );
    match built {
        Ok((_, onion, _)) => Accepted([&[2, 1], &onion.encode()[..]].concat(), json!({})),
        Err(why) => Refused(format!("cannot be built: {why:?}")),
    }
}

/// The record that carries the message: LDK's bodies begin with their length, the draft's do not.
fn contents_of(build: &Value) -> (u64, Vec<u8>) {
    let record =
        |number: u64, value: Vec<u8>| [BigSize(number).encode(), BigSize(value.len() as u64).encode(), value].concat();
    let given = bytes(text(build, "contents"));
    let path = || bytes(&text(build, "paths").replace(',', ""));
    let draft = build["profile"] == "draft";
    let of_server = |number: u64| if draft { number - 10_000 } else { number };
    let (number, body) = match text(build, "message") {
        "invoice_request" => return (64, given),
        "static_invoice" => return (70, given),
        "held_htlc_available" => (72, vec![]),
        "release_held_htlc" => (74, vec![]),
        "offer_paths_request" => {
            let slot = build["invoice_slot"].as_u64().expect("a slot") as u16;
            (of_server(75_540), record(0, slot.to_be_bytes().to_vec()))
        }
        "offer_paths" => {
            let expiry = build["expires_at"].as_u64().expect("a time").to_be_bytes().to_vec();
            (of_server(75_542), [record(0, path()), record(2, expiry)].concat())
        }
        "serve_static_invoice" => (of_server(75_544), [record(0, given), record(2, path())].concat()),
        "static_invoice_persisted" => (of_server(75_546), vec![]),
        other => panic!("contents of {other}"),
    };
    if draft {
        return (number, body);
    }
    (number, [BigSize(body.len() as u64).encode(), body].concat())
}

// ---- paths ----

/// Doze's paths of static-invoice-ldk.json built by LDK with the same session keys: all that does not depend on what each
/// side encrypts is the same, and LDK can go a hop along Doze's.
pub fn path_difference(file: &Value) -> Option<String> {
    let plain = cases(file).iter().find(|case| case["name"] == "plain").expect("plain");
    let build = &plain["build"];
    let payment = text(build, "payment_paths").split(':').next().expect("a path");
    let [lsp, recipient] = ["recipient_lsp", "recipient"].map(|name| Node(named_key(file, name)));
    [("session payment", payment), ("session message 0", text(build, "message_paths"))].iter().find_map(
        |(session, hex)| {
            let ours = paths(hex).remove(0);
            let before = [MessageForwardNode { node_id: lsp.id(), short_channel_id: None }];
            let (auth, context) = (recipient.get_receive_auth_key(), MessageContext::Custom(vec![]));
            let chance = Chosen::session(&named_key(file, session));
            let theirs = BlindedMessagePath::new(&before, recipient.id(), auth, context, &chance, &SECP);
            let ids =
                |path: &BlindedMessagePath| path.blinded_hops().iter().map(|h| h.blinded_node_id).collect::<Vec<_>>();
            let mut behind = ours.clone();
            let hop = behind.advance_path_by_one(&&lsp, &&EmptyNodeIdLookUp {}, &SECP);
            let next = IntroductionNode::NodeId(recipient.id());
            let same = ours.introduction_node() == theirs.introduction_node()
                && ours.blinding_point() == theirs.blinding_point()
                && ids(&ours) == ids(&theirs);
            let on = hop.is_ok()
                && *behind.introduction_node() == next
                && behind.blinding_point() == payments::next_path_key(&lsp, &ours.blinding_point());
            (!same || !on).then(|| format!("path of {session}: the same {same}, a hop along it {on}"))
        },
    )
}
