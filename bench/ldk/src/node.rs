//! Nodes of LDK without a channel manager: keys, an onion messenger, a peer manager, and wires between them in memory.

use bitcoin::secp256k1::{All, PublicKey, Secp256k1, SecretKey};
use lightning::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode, OffersContext};
use lightning::blinded_path::EmptyNodeIdLookUp;
use lightning::io;
use lightning::ln::msgs::{DecodeError, OnionMessage};
use lightning::ln::peer_handler::{
    ErroringMessageHandler, IgnoringMessageHandler, MessageHandler, PeerManager, SocketDescriptor,
};
use lightning::offers::static_invoice::StaticInvoice;
use lightning::onion_message::messenger::{
    CustomOnionMessageHandler, Destination, MessageRouter, MessageSendInstructions, OnionMessagePath, OnionMessenger,
    Responder, ResponseInstruction,
};
use lightning::onion_message::offers::{OffersMessage, OffersMessageHandler};
use lightning::onion_message::packet::OnionMessageContents;
use lightning::sign::{KeysManager, NodeSigner, ReceiveAuthKey, Recipient};
use lightning::util::logger::{Logger, Record};
use lightning::util::ser::{Writeable, Writer};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub struct Quiet;

impl Logger for Quiet {
    fn log(&self, _: Record) {}
}

/// Contents of an onion message that no BOLT knows.
#[derive(Clone, Debug)]
pub struct Contents(pub Vec<u8>);

const CONTENTS_TYPE: u64 = 77_777;

impl Writeable for Contents {
    fn write<W: Writer>(&self, writer: &mut W) -> Result<(), io::Error> {
        writer.write_all(&self.0)
    }
}

impl OnionMessageContents for Contents {
    fn tlv_type(&self) -> u64 {
        CONTENTS_TYPE
    }
    fn msg_type(&self) -> &'static str {
        "bench"
    }
}

/// Takes `Contents`, and hands out static invoices. They are kept as bytes and read for each request, as ldk-node does.
#[derive(Default)]
pub struct Handler {
    pub invoices: Mutex<HashMap<Vec<u8>, Arc<Vec<u8>>>>,
}

impl CustomOnionMessageHandler for Handler {
    type CustomMessage = Contents;
    fn handle_custom_message(
        &self,
        _: Contents,
        _: Option<Vec<u8>>,
        _: Option<Responder>,
    ) -> Option<(Contents, ResponseInstruction)> {
        None
    }
    fn read_custom_message<R: io::Read>(&self, kind: u64, buffer: &mut R) -> Result<Option<Contents>, DecodeError> {
        if kind != CONTENTS_TYPE {
            return Ok(None);
        }
        let (mut out, mut part) = (Vec::new(), [0; 4096]);
        loop {
            match buffer.read(&mut part)? {
                0 => return Ok(Some(Contents(out))),
                got => out.extend_from_slice(&part[..got]),
            }
        }
    }
    fn release_pending_custom_messages(&self) -> Vec<(Contents, MessageSendInstructions)> {
        Vec::new()
    }
}

impl OffersMessageHandler for Handler {
    fn handle_message(
        &self,
        message: OffersMessage,
        context: Option<OffersContext>,
        responder: Option<Responder>,
    ) -> Option<(OffersMessage, ResponseInstruction)> {
        let (OffersMessage::InvoiceRequest(_), Some(OffersContext::StaticInvoiceRequested { recipient_id, .. })) =
            (message, context)
        else {
            panic!("not what a static invoice server is asked");
        };
        let bytes = self.invoices.lock().unwrap().get(&recipient_id).expect("a recipient of ours").to_vec();
        let invoice = StaticInvoice::try_from(bytes).expect("a static invoice");
        Some((OffersMessage::StaticInvoice(invoice), responder.expect("a reply path").respond()))
    }
}

/// Every destination begins at a peer.
pub struct Direct;

impl MessageRouter for Direct {
    fn find_path(&self, _: PublicKey, _: Vec<PublicKey>, destination: Destination) -> Result<OnionMessagePath, ()> {
        Ok(OnionMessagePath { intermediate_nodes: Vec::new(), destination, first_node_addresses: Vec::new() })
    }
    fn create_blinded_paths<T: bitcoin::secp256k1::Signing + bitcoin::secp256k1::Verification>(
        &self,
        _: PublicKey,
        _: ReceiveAuthKey,
        _: MessageContext,
        _: Vec<MessageForwardNode>,
        _: &Secp256k1<T>,
    ) -> Result<Vec<BlindedMessagePath>, ()> {
        Err(())
    }
}

pub type Messenger = OnionMessenger<
    Arc<KeysManager>,
    Arc<KeysManager>,
    Arc<Quiet>,
    Arc<EmptyNodeIdLookUp>,
    Arc<Direct>,
    Arc<Handler>,
    Arc<IgnoringMessageHandler>,
    Arc<IgnoringMessageHandler>,
    Arc<Handler>,
>;
pub type Peers = PeerManager<
    Pipe,
    Arc<ErroringMessageHandler>,
    Arc<IgnoringMessageHandler>,
    Arc<Messenger>,
    Arc<Quiet>,
    Arc<IgnoringMessageHandler>,
    Arc<KeysManager>,
    Arc<IgnoringMessageHandler>,
>;

/// One end of a connection: what its node sends waits here.
#[derive(Clone)]
pub struct Pipe {
    number: u64,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Pipe {
    pub fn new() -> Pipe {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Pipe { number: NEXT.fetch_add(1, Ordering::Relaxed), sent: Default::default() }
    }
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

impl PartialEq for Pipe {
    fn eq(&self, other: &Pipe) -> bool {
        self.number == other.number
    }
}
impl Eq for Pipe {}
impl Hash for Pipe {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state)
    }
}

impl SocketDescriptor for Pipe {
    fn send_data(&mut self, data: &[u8], _: bool) -> usize {
        self.sent.lock().unwrap().extend_from_slice(data);
        data.len()
    }
    fn disconnect_socket(&mut self) {
        panic!("a peer was disconnected");
    }
}

pub struct Node {
    pub keys: Arc<KeysManager>,
    pub id: PublicKey,
    pub handler: Arc<Handler>,
    pub messenger: Arc<Messenger>,
    pub peers: Peers,
}

impl Node {
    pub fn new(seed: u8) -> Node {
        let keys = Arc::new(KeysManager::new(&[seed; 32], 1, 1, true));
        let handler = Arc::new(Handler::default());
        let ignoring = || Arc::new(IgnoringMessageHandler {});
        let messenger = Arc::new(Messenger::new(
            keys.clone(),
            keys.clone(),
            Arc::new(Quiet),
            Arc::new(EmptyNodeIdLookUp {}),
            Arc::new(Direct),
            handler.clone(),
            ignoring(),
            ignoring(),
            handler.clone(),
        ));
        let handlers = MessageHandler {
            chan_handler: Arc::new(ErroringMessageHandler::new()),
            route_handler: ignoring(),
            onion_message_handler: messenger.clone(),
            custom_message_handler: ignoring(),
            send_only_message_handler: ignoring(),
        };
        let peers = Peers::new(handlers, 1, &[seed; 32], Arc::new(Quiet), keys.clone());
        Node { id: keys.get_node_id(Recipient::Node).unwrap(), keys, handler, messenger, peers }
    }

    pub fn read(&self, pipe: &mut Pipe, bytes: &[u8]) {
        self.peers.read_event(pipe, bytes).expect("the bytes are not understood");
        self.peers.process_events();
    }

    /// LDK sends 32 onion messages, then waits for a pong: this asks every peer for one.
    pub fn ping(&self) {
        self.peers.timer_tick_occurred();
        self.peers.process_events();
    }
}

/// A connection between two nodes.
pub struct Wire {
    pub near: Pipe,
    pub far: Pipe,
}

impl Wire {
    /// `far` dials; ends with both inits read.
    pub fn new(near: &Node, far: &Node) -> Wire {
        let mut wire = Wire { near: Pipe::new(), far: Pipe::new() };
        let first = far.peers.new_outbound_connection(near.id, wire.far.clone(), None).unwrap();
        near.peers.new_inbound_connection(wire.near.clone(), None).unwrap();
        near.read(&mut wire.near, &first);
        wire.settle(near, far);
        assert!(near.peers.peer_by_node_id(&far.id).is_some(), "not connected");
        wire
    }

    /// Whatever waits is read, until nobody says anything.
    pub fn settle(&mut self, near: &Node, far: &Node) {
        loop {
            let (from_near, from_far) = (self.near.take(), self.far.take());
            if from_near.is_empty() && from_far.is_empty() {
                return;
            }
            far.read(&mut self.far, &from_near);
            near.read(&mut self.near, &from_far);
        }
    }

    /// The frame in which `far` sends this.
    pub fn frame(&self, near: &Node, far: &Node, message: OnionMessage) -> Vec<u8> {
        far.messenger.forward_onion_message(message, &near.id).expect("a message that can be sent");
        far.peers.process_events();
        let out = self.far.take();
        assert!(!out.is_empty(), "the far side does not send");
        out
    }
}

/// Numbers that look like chance and are the same in every run.
pub struct Seeded(u64);

impl Seeded {
    pub fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 31)
    }
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        out.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.number().to_be_bytes()));
        out
    }
    pub fn secret(&mut self) -> SecretKey {
        SecretKey::from_slice(&self.bytes()).expect("a valid key")
    }
    pub fn point(&mut self, secp: &Secp256k1<All>) -> PublicKey {
        self.secret().public_key(secp)
    }
}
