//! Builds the node that the first line describes.

use ldk_node::bitcoin::Network;
use ldk_node::config::{AsyncPaymentsRole, Config};
use ldk_node::lightning::ln::msgs::SocketAddress;
use ldk_node::logger::LogLevel;
use ldk_node::{Builder, Node};
use serde_json::Value;
use std::str::FromStr;

pub fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    value[key].as_str().ok_or(format!("\"{key}\" is missing"))
}

pub fn number(value: &Value, key: &str) -> Result<u64, String> {
    value[key].as_u64().ok_or(format!("\"{key}\" is missing"))
}

pub fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    if hex.len() % 2 != 0 || !hex.is_ascii() {
        return Err("not hex".into());
    }
    (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).map_err(|e| e.to_string()))
        .collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn address(text: &str) -> Result<SocketAddress, String> {
    SocketAddress::from_str(text).map_err(|e| format!("{text}: {e:?}"))
}

/// `dir`, `seed` (64 bytes of hex), `bitcoind_port`, `bitcoind_user`, `bitcoind_password`; for a server `listen` and
/// `alias`; `role` is client, server or none; `anchors` false leaves static_remotekey as the only channel type; `log` is
/// "all", which the line-ups read, or "info", which costs a benchmark no more than Doze's own log does.
pub fn build(config: &Value) -> Result<Node, String> {
    let mut settings = Config::default();
    if config["anchors"] == Value::Bool(false) {
        settings.anchor_channels_config = None;
    }
    let mut builder = Builder::from_config(settings);
    let dir = text(config, "dir")?;
    let seed: [u8; 64] = bytes(text(config, "seed")?)?.try_into().map_err(|_| "the seed is 64 bytes")?;
    builder.set_network(Network::Regtest);
    builder.set_storage_dir_path(dir.into());
    builder.set_entropy_seed_bytes(seed);
    let level = match config["log"].as_str().unwrap_or("all") {
        "all" => LogLevel::Gossip,
        "info" => LogLevel::Info,
        other => return Err(format!("there is no log level {other}")),
    };
    builder.set_filesystem_logger(Some(format!("{dir}/trace")), Some(level));
    builder.set_chain_source_bitcoind_rpc(
        "127.0.0.1".into(),
        number(config, "bitcoind_port")? as u16,
        text(config, "bitcoind_user")?.into(),
        text(config, "bitcoind_password")?.into(),
    );
    if let Some(listen) = config["listen"].as_str() {
        builder.set_listening_addresses(vec![address(listen)?]).map_err(|e| e.to_string())?;
        if let Some(announce) = config["announce"].as_str() {
            builder.set_announcement_addresses(vec![address(announce)?]).map_err(|e| e.to_string())?;
        }
        builder.set_node_alias(text(config, "alias")?.into()).map_err(|e| e.to_string())?;
    }
    let role = match text(config, "role")? {
        "client" => Some(AsyncPaymentsRole::Client),
        "server" => Some(AsyncPaymentsRole::Server),
        "none" => None,
        other => return Err(format!("there is no role {other}")),
    };
    builder.set_async_payments_role(role).map_err(|e| e.to_string())?;
    builder.build().map_err(|e| e.to_string())
}
