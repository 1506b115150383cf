//! Reports LDK's events. After a kill they may come again.

use crate::peer::hex;
use crate::say;
use ldk_node::{Event, Node};
use serde_json::json;

pub fn report(node: &Node) {
    loop {
        let event = node.wait_next_event();
        say(match &event {
            Event::PaymentSuccessful { payment_id, payment_hash, fee_paid_msat, .. } => json!({
                "event": "sent", "payment_id": payment_id.map(|i| hex(&i.0)), "hash": hex(&payment_hash.0),
                "fee_msat": fee_paid_msat,
            }),
            Event::PaymentFailed { payment_id, payment_hash, reason } => json!({
                "event": "failed", "payment_id": payment_id.map(|i| hex(&i.0)), "hash": payment_hash.map(|h| hex(&h.0)),
                "reason": reason.map(|r| format!("{r:?}")),
            }),
            Event::PaymentReceived { payment_hash, amount_msat, .. } => {
                json!({"event": "received", "hash": hex(&payment_hash.0), "msat": amount_msat})
            }
            Event::PaymentForwarded { total_fee_earned_msat, .. } => {
                json!({"event": "forwarded", "fee_msat": total_fee_earned_msat})
            }
            Event::ChannelReady { channel_id, .. } => {
                json!({"event": "channel_ready", "channel_id": channel_id.to_string()})
            }
            Event::ChannelClosed { channel_id, reason, .. } => json!({
                "event": "channel_closed", "channel_id": channel_id.to_string(),
                "reason": reason.as_ref().map(|r| format!("{r:?}")),
            }),
            other => json!({"event": "other", "what": format!("{other:?}")}),
        });
        let _ = node.event_handled();
    }
}
