//! A node of LDK, driven by JSON lines: commands on stdin, answers and events on stdout.
//!
//! The first line says how to start; each later one is `{"id": n, "do": "...", ...}` and gets one answer with that id.
//! Lines with "event" come by themselves. LDK's own trace goes to a file in the node's directory.

mod commands;
mod events;
mod peer;

use ldk_node::Node;
use serde_json::{json, Value};
use std::io::{BufRead, Write};
use std::sync::Arc;

/// Writes one line; a harness that is gone ends the program.
pub fn say(line: Value) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|_| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn answer(id: &Value, result: Result<Value, String>) {
    match result {
        Ok(value) => say(json!({"id": id, "ok": value})),
        Err(why) => say(json!({"id": id, "error": why})),
    }
}

fn start(line: &str) -> Result<Arc<Node>, String> {
    let config: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let node = Arc::new(peer::build(&config)?);
    node.start().map_err(|e| e.to_string())?;
    Ok(node)
}

fn main() {
    let mut lines = std::io::stdin().lock().lines();
    let first = match lines.next() {
        Some(Ok(line)) => line,
        _ => return,
    };
    let node = match start(&first) {
        Ok(node) => node,
        Err(why) => {
            say(json!({"id": 0, "error": why}));
            std::process::exit(1);
        }
    };
    answer(&json!(0), Ok(commands::info(&node)));
    let listener = Arc::clone(&node);
    std::thread::spawn(move || events::report(&listener));
    for line in lines {
        let Ok(line) = line else { break };
        let request: Value = match serde_json::from_str(&line) {
            Ok(request) => request,
            Err(e) => {
                say(json!({"error": e.to_string()}));
                continue;
            }
        };
        if request["do"] == "stop" {
            answer(&request["id"], node.stop().map(|_| json!({})).map_err(|e| e.to_string()));
            std::process::exit(0);
        }
        answer(&request["id"], commands::run(&node, &request));
    }
    let _ = node.stop();
    std::process::exit(0);
}
