//! What the harness may ask for.

use crate::peer::{address, bytes, hex, number, text};
use ldk_node::bitcoin::secp256k1::PublicKey;
use ldk_node::lightning::blinded_path::message::BlindedMessagePath;
use ldk_node::lightning::ln::channelmanager::PaymentId;
use ldk_node::lightning::offers::offer::Offer;
use ldk_node::lightning::util::ser::{Readable, Writeable};
use ldk_node::lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescription, Description};
use ldk_node::payment::{PaymentDetails, PaymentKind};
use ldk_node::Node;
use serde_json::{json, Value};
use std::str::FromStr;

pub fn run(node: &Node, request: &Value) -> Result<Value, String> {
    match text(request, "do")? {
        "info" => Ok(info(node)),
        "sync" => node.sync_wallets().map(|_| info(node)).map_err(|e| e.to_string()),
        "address" => node.onchain_payment().new_address().map(|a| json!(a.to_string())).map_err(|e| e.to_string()),
        "connect" => node
            .connect(key(request, "node_id")?, address(text(request, "address")?)?, true)
            .map(|_| json!({}))
            .map_err(|e| e.to_string()),
        "peers" => Ok(node.list_peers().iter().filter(|p| p.is_connected).map(|p| p.node_id.to_string()).collect()),
        "open" => open(node, request),
        "channels" => Ok(node.list_channels().iter().map(channel).collect()),
        "close" => close(node, request),
        "graph" => Ok(graph(node)),
        "invoice" => invoice(node, request),
        "pay_invoice" => pay_invoice(node, request),
        "offer" => node
            .bolt12_payment()
            .receive(number(request, "msat")?, text(request, "description")?, None, None)
            .map(|o| json!(o.to_string()))
            .map_err(|e| e.to_string()),
        "async_offer" => node.bolt12_payment().receive_async().map(|o| json!(o.to_string())).map_err(|e| e.to_string()),
        "pay_offer" => pay_offer(node, request),
        "server_paths" => server_paths(node, request),
        "use_server_paths" => use_server_paths(node, request),
        "payment" => {
            let id: [u8; 32] = bytes(text(request, "payment_id")?)?.try_into().map_err(|_| "an id is 32 bytes")?;
            node.payment(&PaymentId(id)).map(|p| payment(&p)).ok_or("no such payment".into())
        }
        "payments" => Ok(node.list_payments().iter().map(payment).collect()),
        other => Err(format!("there is no \"{other}\"")),
    }
}

pub fn info(node: &Node) -> Value {
    let balances = node.list_balances();
    json!({
        "node_id": node.node_id().to_string(),
        "height": node.status().current_best_block.height,
        "onchain_sat": balances.total_onchain_balance_sats,
        "spendable_sat": balances.spendable_onchain_balance_sats,
    })
}

fn key(request: &Value, name: &str) -> Result<PublicKey, String> {
    PublicKey::from_str(text(request, name)?).map_err(|e| e.to_string())
}

fn open(node: &Node, request: &Value) -> Result<Value, String> {
    let peer = key(request, "node_id")?;
    let at = address(text(request, "address")?)?;
    let sat = number(request, "sat")?;
    let push = request["push_msat"].as_u64();
    if request["announce"] == Value::Bool(true) {
        node.open_announced_channel(peer, at, sat, push, None)
    } else {
        node.open_channel(peer, at, sat, push, None)
    }
    .map(|_| json!({}))
    .map_err(|e| e.to_string())
}

fn channel(c: &ldk_node::ChannelDetails) -> Value {
    json!({
        "channel_id": c.channel_id.to_string(),
        "peer": c.counterparty_node_id.to_string(),
        "sat": c.channel_value_sats,
        "outbound_msat": c.outbound_capacity_msat,
        "inbound_msat": c.inbound_capacity_msat,
        "reserve_sat": c.unspendable_punishment_reserve,
        "feerate": c.feerate_sat_per_1000_weight,
        "ready": c.is_channel_ready,
        "usable": c.is_usable,
        "announced": c.is_announced,
        "scid": c.short_channel_id,
        "peer_cltv_delta": c.counterparty_forwarding_info_cltv_expiry_delta,
    })
}

fn close(node: &Node, request: &Value) -> Result<Value, String> {
    let wanted = text(request, "channel_id")?;
    let channels = node.list_channels();
    let found = channels.iter().find(|c| c.channel_id.to_string() == wanted).ok_or("no such channel")?;
    node.close_channel(&found.user_channel_id, found.counterparty_node_id).map(|_| json!({})).map_err(|e| e.to_string())
}

fn graph(node: &Node) -> Value {
    let graph = node.network_graph();
    let nodes: Vec<Value> = graph
        .list_nodes()
        .iter()
        .filter_map(|id| graph.node(id).map(|n| (id, n)))
        .map(|(id, n)| {
            let addresses = n.announcement_info.map(|a| a.addresses().len()).unwrap_or(0);
            json!({"node_id": id.to_string(), "addresses": addresses})
        })
        .collect();
    let directions = graph
        .list_channels()
        .iter()
        .filter_map(|c| graph.channel(*c))
        .map(|c| c.one_to_two.is_some() as u32 + c.two_to_one.is_some() as u32)
        .sum::<u32>();
    json!({"nodes": nodes, "channels": graph.list_channels().len(), "updates": directions})
}

fn invoice(node: &Node, request: &Value) -> Result<Value, String> {
    let description = Description::new(text(request, "description")?.into()).map_err(|e| e.to_string())?;
    node.bolt11_payment()
        .receive(number(request, "msat")?, &Bolt11InvoiceDescription::Direct(description), 3600)
        .map(|i| json!(i.to_string()))
        .map_err(|e| e.to_string())
}

fn pay_invoice(node: &Node, request: &Value) -> Result<Value, String> {
    let invoice = Bolt11Invoice::from_str(text(request, "invoice")?).map_err(|e| e.to_string())?;
    node.bolt11_payment().send(&invoice, None).map(|id| json!(hex(&id.0))).map_err(|e| e.to_string())
}

fn pay_offer(node: &Node, request: &Value) -> Result<Value, String> {
    let offer = Offer::from_str(text(request, "offer")?).map_err(|e| format!("{e:?}"))?;
    match request["msat"].as_u64() {
        Some(msat) => node.bolt12_payment().send_using_amount(&offer, msat, None, None, None),
        None => node.bolt12_payment().send(&offer, None, None, None),
    }
    .map(|id| json!(hex(&id.0)))
    .map_err(|e| e.to_string())
}

/// As LDK's bindings write them: a count of 16 bits, then the paths.
fn server_paths(node: &Node, request: &Value) -> Result<Value, String> {
    let recipient = text(request, "recipient")?.as_bytes().to_vec();
    let paths = node.bolt12_payment().blinded_paths_for_async_recipient(recipient).map_err(|e| e.to_string())?;
    let mut out = (paths.len() as u16).to_be_bytes().to_vec();
    for path in &paths {
        out.extend(path.encode());
    }
    Ok(json!(hex(&out)))
}

fn use_server_paths(node: &Node, request: &Value) -> Result<Value, String> {
    let raw = bytes(text(request, "paths")?)?;
    let mut rest = raw.get(2..).ok_or("too short")?;
    let count = u16::from_be_bytes([raw[0], raw[1]]);
    let mut paths = Vec::new();
    for _ in 0..count {
        paths.push(BlindedMessagePath::read(&mut rest).map_err(|e| format!("{e:?}"))?);
    }
    node.bolt12_payment().set_paths_to_static_invoice_server(paths).map(|_| json!({})).map_err(|e| e.to_string())
}

fn payment(p: &PaymentDetails) -> Value {
    let hash = match &p.kind {
        PaymentKind::Bolt11 { hash, .. } => Some(hex(&hash.0)),
        PaymentKind::Bolt12Offer { hash, .. } => hash.map(|h| hex(&h.0)),
        _ => None,
    };
    json!({
        "payment_id": hex(&p.id.0),
        "hash": hash,
        "msat": p.amount_msat,
        "fee_msat": p.fee_paid_msat,
        "outbound": p.direction == ldk_node::payment::PaymentDirection::Outbound,
        "status": format!("{:?}", p.status),
    })
}
