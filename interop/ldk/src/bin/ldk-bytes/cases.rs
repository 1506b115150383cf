//! Cases of vectors/async as files, and the flags that their `build` has.

use bitcoin::hex::FromHex;
use bitcoin::secp256k1::{PublicKey, SecretKey};
use lightning::bitcoin;
use lightning::blinded_path::message::BlindedMessagePath;
use lightning::util::ser::Readable;
use serde_json::Value;
use std::path::Path;
use std::str::FromStr;

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or("")
}

pub fn bytes(hex: &str) -> Vec<u8> {
    Vec::from_hex(hex).expect("hex")
}

pub fn key(hex: &str) -> SecretKey {
    SecretKey::from_str(hex).expect("a private key")
}

pub fn point(hex: &str) -> PublicKey {
    PublicKey::from_str(hex).expect("a public key")
}

pub fn array(hex: &str) -> [u8; 32] {
    bytes(hex).try_into().expect("32 bytes")
}

pub fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

pub fn cases(file: &Value) -> &Vec<Value> {
    file["cases"].as_array().expect("cases")
}

/// The private key of that name in a file.
pub fn named_key(file: &Value, name: &str) -> SecretKey {
    let keys = file["keys"].as_array().expect("keys");
    key(text(keys.iter().find(|k| k["name"] == name).expect(name), "private_key"))
}

/// Paths in hex with commas between, as flags have them.
pub fn paths(list: &str) -> Vec<BlindedMessagePath> {
    let path = |hex| BlindedMessagePath::read(&mut &bytes(hex)[..]).expect("a blinded path");
    list.split(',').filter(|hex| !hex.is_empty()).map(path).collect()
}
