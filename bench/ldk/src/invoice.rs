//! Static invoices: made by the recipient, verified by the payer, handed out by the server.

use crate::node::{Node, Seeded, Wire};
use crate::{Clock, Row};
use bitcoin::secp256k1::{All, PublicKey, Secp256k1};
use bitcoin::Network;
use lightning::blinded_path::message::{
    AsyncPaymentsContext, BlindedMessagePath, MessageContext, MessageForwardNode, OffersContext,
};
use lightning::blinded_path::payment::{
    AsyncBolt12OfferContext, BlindedPaymentPath, ForwardTlvs, PaymentConstraints, PaymentContext, PaymentForwardNode,
    PaymentRelay, UnauthenticatedReceiveTlvs,
};
use lightning::blinded_path::EmptyNodeIdLookUp;
use lightning::ln::channelmanager::PaymentId;
use lightning::ln::inbound_payment::ExpandedKey;
use lightning::offers::invoice_request::InvoiceRequest;
use lightning::offers::nonce::Nonce;
use lightning::offers::offer::{Offer, OfferBuilder};
use lightning::offers::static_invoice::{StaticInvoice, StaticInvoiceBuilder};
use lightning::onion_message::messenger::{create_onion_message, Destination, OnionMessagePath};
use lightning::onion_message::offers::OffersMessage;
use lightning::sign::NodeSigner;
use lightning::types::features::BlindedHopFeatures;
use lightning::types::payment::PaymentSecret;
use lightning::util::ser::Writeable;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const SCID: u64 = 1 << 40 | 2 << 16 | 3;

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// By channel, so that the smaller static invoice fits an onion message of 1,300 bytes.
fn through(nodes: &[PublicKey]) -> Vec<MessageForwardNode> {
    nodes.iter().map(|node_id| MessageForwardNode { node_id: *node_id, short_channel_id: Some(SCID) }).collect()
}

/// R, whose peers are M and another one.
pub struct Recipient {
    us: Node,
    m: PublicKey,
    other: PublicKey,
    key: ExpandedKey,
    secp: Secp256k1<All>,
}

impl Recipient {
    pub fn new() -> Recipient {
        let us = Node::new(4);
        let key = us.keys.get_expanded_key();
        Recipient { us, m: Node::new(3).id, other: Node::new(5).id, key, secp: Secp256k1::new() }
    }

    /// An offer whose only path goes through M, and what its key is derived from.
    fn offer(&self) -> (Offer, Nonce) {
        let nonce = Nonce::from_entropy_source(&*self.us.keys);
        let context = MessageContext::Offers(OffersContext::InvoiceRequest { nonce });
        (self.offer_at(Some(self.message_path(&[self.m], context)), nonce), nonce)
    }
    fn offer_at(&self, path: Option<BlindedMessagePath>, nonce: Nonce) -> Offer {
        let builder = OfferBuilder::deriving_signing_pubkey(self.us.id, &self.key, nonce, &self.secp)
            .chain(Network::Regtest)
            .description("coffee".into())
            .amount_msats(50_000_000);
        match path {
            Some(path) => builder.path(path).build(),
            None => builder.build(),
        }
        .unwrap()
    }

    fn message_path(&self, nodes: &[PublicKey], context: MessageContext) -> BlindedMessagePath {
        let auth = self.us.keys.get_receive_auth_key();
        BlindedMessagePath::new(&through(nodes), self.us.id, auth, context, &*self.us.keys, &self.secp)
    }

    pub fn payment_path(&self, nodes: &[PublicKey]) -> BlindedPaymentPath {
        let constraints = PaymentConstraints { max_cltv_expiry: 5_000, htlc_minimum_msat: 1 };
        let forwards: Vec<_> = nodes
            .iter()
            .map(|node_id| PaymentForwardNode {
                tlvs: ForwardTlvs {
                    short_channel_id: SCID,
                    payment_relay: PaymentRelay {
                        cltv_expiry_delta: 72,
                        fee_proportional_millionths: 100,
                        fee_base_msat: 1_000,
                    },
                    payment_constraints: constraints.clone(),
                    features: BlindedHopFeatures::empty(),
                    next_blinding_override: None,
                },
                node_id: *node_id,
                htlc_maximum_msat: 900_000_000,
            })
            .collect();
        let nonce = Nonce::from_entropy_source(&*self.us.keys);
        let receive = UnauthenticatedReceiveTlvs {
            payment_secret: PaymentSecret([6; 32]),
            payment_constraints: constraints,
            payment_context: PaymentContext::AsyncBolt12Offer(AsyncBolt12OfferContext { offer_nonce: nonce }),
        }
        .authenticate(nonce, &self.key);
        BlindedPaymentPath::new(&forwards, self.us.id, receive, 900_000_000, 72, &*self.us.keys, &self.secp).unwrap()
    }

    fn invoice(&self, offer: &Offer, nonce: Nonce, paths: usize) -> StaticInvoice {
        let peers = &[self.m, self.other][..paths];
        let payment_paths = peers.iter().map(|peer| self.payment_path(&[*peer])).collect();
        let held = || {
            MessageContext::AsyncPayments(AsyncPaymentsContext::InboundPayment {
                path_absolute_expiry: Duration::from_secs(4_000_000_000),
            })
        };
        let message_paths = peers.iter().map(|peer| self.message_path(&[*peer], held())).collect();
        let created = now();
        StaticInvoiceBuilder::for_offer_using_derived_keys(
            offer,
            payment_paths,
            message_paths,
            created,
            &self.key,
            nonce,
            &self.secp,
        )
        .and_then(|builder| builder.build_and_sign(&self.secp))
        .unwrap()
    }

    /// An invoice_request for an offer of ours, of so many bytes.
    pub fn request(&self, bytes: usize) -> InvoiceRequest {
        let offer = self.offer_at(None, Nonce::from_entropy_source(&*self.us.keys));
        let with_note = |length: usize| self.request_for(&offer, [2; 32], Some("n".repeat(length)));
        let short = with_note(1).encode().len();
        let out = with_note(1 + bytes.checked_sub(short).expect("more bytes than the shortest has"));
        assert_eq!(out.encode().len(), bytes);
        out
    }
    fn request_for(&self, offer: &Offer, id: [u8; 32], note: Option<String>) -> InvoiceRequest {
        let nonce = Nonce::from_entropy_source(&*self.us.keys);
        let builder = offer.request_invoice(&self.key, nonce, &self.secp, PaymentId(id)).unwrap();
        let builder = builder.chain(Network::Regtest).unwrap();
        match note {
            Some(note) => builder.payer_note(note).build_and_sign(),
            None => builder.build_and_sign(),
        }
        .unwrap()
    }
}

pub struct Create {
    recipient: Recipient,
    offer: Offer,
    nonce: Nonce,
    paths: usize,
}

impl Create {
    pub fn new(paths: usize) -> Create {
        let recipient = Recipient::new();
        let (offer, nonce) = recipient.offer();
        Create { recipient, offer, nonce, paths }
    }
}

impl Row for Create {
    fn fresh(&mut self, _: usize) {}
    fn run(&mut self, _: usize, clock: &mut Clock) {
        let bytes = clock.time(|| self.recipient.invoice(&self.offer, self.nonce, self.paths).encode());
        assert!(bytes.len() > 500);
    }
}

/// A payer's checks, from bytes to an accepted static invoice. LDK parses every point at once.
pub struct Verify {
    recipient: Recipient,
    inputs: Vec<(Offer, Vec<u8>)>,
}

impl Verify {
    pub fn new() -> Verify {
        Verify { recipient: Recipient::new(), inputs: Vec::new() }
    }
}

impl Row for Verify {
    fn fresh(&mut self, operations: usize) {
        self.inputs = (0..operations)
            .map(|_| {
                let (offer, nonce) = self.recipient.offer();
                let invoice = self.recipient.invoice(&offer, nonce, 2);
                (offer, invoice.encode())
            })
            .collect();
    }
    fn run(&mut self, number: usize, clock: &mut Clock) {
        let (offer, bytes) = &self.inputs[number];
        let good = clock.time(|| {
            let invoice = StaticInvoice::try_from(bytes.clone()).expect("a static invoice");
            !invoice.is_offer_expired() && !invoice.is_expired() && invoice.offer_id() == offer.id()
        });
        assert!(good, "a static invoice does not pass");
    }
}

/// M with static invoices for many recipients, all away. Requests come over a connection, answers leave over it.
pub struct Serve {
    recipient: Recipient,
    us: Node,
    peer: Node,
    wire: Wire,
    offer: Offer,
    stored: u64,
    paths: usize,
    rng: Seeded,
    inputs: Vec<Vec<u8>>,
}

impl Serve {
    pub fn new(stored: u64, paths: usize) -> Serve {
        let (recipient, us, peer) = (Recipient::new(), Node::new(3), Node::new(7));
        let wire = Wire::new(&us, &peer);
        let nonce = Nonce::from_entropy_source(&*recipient.us.keys);
        let at = us_path(&us, &recipient.secp, vec![1; 16]);
        let offer = recipient.offer_at(Some(at), nonce);
        let invoice = Arc::new(recipient.invoice(&offer, nonce, paths).encode());
        let kept = (0..stored).map(|number| (name(number), Arc::clone(&invoice))).collect();
        *us.handler.invoices.lock().unwrap() = kept;
        Serve { recipient, us, peer, wire, offer, stored, paths, rng: Seeded::new(11), inputs: Vec::new() }
    }

    fn input(&mut self) -> Vec<u8> {
        let recipient = &self.recipient;
        let request = recipient.request_for(&self.offer, self.rng.bytes(), None);
        let reply = recipient.message_path(&[self.peer.id, recipient.other], MessageContext::Custom(vec![6; 40]));
        let path = OnionMessagePath {
            intermediate_nodes: Vec::new(),
            destination: Destination::BlindedPath(us_path(
                &self.us,
                &recipient.secp,
                name(self.rng.number() % self.stored),
            )),
            first_node_addresses: Vec::new(),
        };
        let keys = &&*self.peer.keys;
        let contents = OffersMessage::InvoiceRequest(request);
        let nobody = EmptyNodeIdLookUp {};
        let (_, message, _) =
            create_onion_message(keys, keys, &&nobody, &recipient.secp, path, contents, Some(reply)).unwrap();
        self.wire.frame(&self.us, &self.peer, message)
    }
}

fn name(number: u64) -> Vec<u8> {
    let mut out = Seeded::new(number).bytes().to_vec();
    out.truncate(16);
    out
}

/// From a served offer to its server.
fn us_path(us: &Node, secp: &Secp256k1<All>, recipient_id: Vec<u8>) -> BlindedMessagePath {
    let context = MessageContext::Offers(OffersContext::StaticInvoiceRequested {
        recipient_id,
        invoice_slot: 0,
        path_absolute_expiry: Duration::from_secs(4_000_000_000),
    });
    BlindedMessagePath::new(&[], us.id, us.keys.get_receive_auth_key(), context, &*us.keys, secp)
}

impl Row for Serve {
    fn fresh(&mut self, operations: usize) {
        self.us.ping();
        self.peer.ping();
        self.wire.settle(&self.us, &self.peer);
        self.inputs = (0..operations).map(|_| self.input()).collect();
    }
    fn run(&mut self, number: usize, clock: &mut Clock) {
        clock.time(|| self.us.read(&mut self.wire.near, &self.inputs[number]));
        let answer = self.wire.near.take();
        assert!(answer.len() > 1_300, "not answered");
        assert_eq!(answer.len() > 32_768, self.paths != 1, "the answer has another size than the row says");
        self.peer.read(&mut self.wire.far, &answer);
    }
}
