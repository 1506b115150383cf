//! What LDK writes for Doze: objects, messages and onions, each with what LDK itself tells of it, and flags with which
//! Doze must build the same bytes where it can.

use crate::cases::{self, named_key};
use crate::payments::{self, Incoming, Payment};
use crate::surroundings::{Chosen, Node, Quiet, SECP};
use crate::{read, view};
use bitcoin::hashes::{sha256, Hash};
use bitcoin::hex::DisplayHex;
use bitcoin::secp256k1::{PublicKey, SecretKey};
use bitcoin::Network;
use lightning::bitcoin;
use lightning::blinded_path::message::{
    AsyncPaymentsContext, BlindedMessagePath, MessageContext, MessageForwardNode, OffersContext,
};
use lightning::blinded_path::payment::{
    AsyncBolt12OfferContext, BlindedPaymentPath, ForwardTlvs, PaymentConstraints, PaymentContext, PaymentForwardNode,
    PaymentRelay, UnauthenticatedReceiveTlvs,
};
use lightning::blinded_path::EmptyNodeIdLookUp;
use lightning::ln::channelmanager::{InterceptId, PaymentId};
use lightning::ln::inbound_payment::ExpandedKey;
use lightning::ln::msgs::{OnionMessage, RevokeAndACK, UpdateAddHTLC};
use lightning::ln::peer_handler::IgnoringMessageHandler;
use lightning::ln::types::ChannelId;
use lightning::offers::invoice::UnsignedBolt12Invoice;
use lightning::offers::invoice_error::{ErroneousField, InvoiceError};
use lightning::offers::invoice_request::InvoiceRequest;
use lightning::offers::merkle::TaggedHash;
use lightning::offers::nonce::Nonce;
use lightning::offers::offer::{Offer, OfferBuilder, Quantity};
use lightning::offers::static_invoice::{StaticInvoice, StaticInvoiceBuilder, UnsignedStaticInvoice};
use lightning::onion_message::async_payments::{
    AsyncPaymentsMessage, HeldHtlcAvailable, OfferPaths, OfferPathsRequest, ReleaseHeldHtlc, ServeStaticInvoice,
    StaticInvoicePersisted,
};
use lightning::onion_message::messenger::{
    create_onion_message, peel_onion_message, Destination, OnionMessagePath, PeeledOnion,
};
use lightning::onion_message::offers::OffersMessage;
use lightning::onion_message::packet::OnionMessageContents;
use lightning::sign::NodeSigner;
use lightning::types::features::BlindedHopFeatures;
use lightning::types::payment::{PaymentHash, PaymentSecret};
use lightning::types::string::UntrustedString;
use lightning::util::ser::Writeable;
use serde_json::{json, Value};
use std::path::Path;
use std::time::Duration;

const SEED: &str = "doze vectors"; // Doze derives the keys from it by name
const CREATED: u64 = 1_750_000_000;
const EXPIRY: u64 = 4_000_000_000; // LDK builds nothing for an offer that has expired when it runs
const SCID: u64 = 700 << 40 | 1 << 16;

/// The whole file, as text.
pub fn text(folder: &Path) -> Result<String, String> {
    let ours = cases::read(&folder.join("onion-messages.json"))?;
    let mut writer = Writer::new(&ours);
    writer.offers();
    writer.invoices();
    writer.contents();
    writer.peer_messages();
    writer.paths();
    writer.onion_messages();
    writer.payments();
    let file = json!({
        "schema": "doze-vectors-1",
        "about": "Objects, messages and onions that rust-lightning 0.2.7 wrote with fixed keys and no chance, and what its \
                  API tells of them. Where a case has 'build', Doze builds the same bytes.",
        "sources": ["rust-lightning 0.2.7", "BOLT 1, 2, 4 and 12", "lightning/bolts #1149"],
        "keys": ours["keys"],
        "cases": writer.cases,
    });
    serde_json::to_string_pretty(&file).map(|text| text + "\n").map_err(|e| e.to_string())
}

struct Writer {
    keys: Value,
    cases: Vec<Value>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.to_lower_hex_string()
}

fn nonce(byte: u8) -> Nonce {
    Nonce::from_entropy_source(&Chosen::of(&[[byte; 32]]))
}

impl Writer {
    fn new(ours: &Value) -> Self {
        Self { keys: ours.clone(), cases: vec![] }
    }

    fn key(&self, name: &str) -> SecretKey {
        named_key(&self.keys, name)
    }
    fn node(&self, name: &str) -> Node {
        Node(self.key(name))
    }
    fn id(&self, name: &str) -> PublicKey {
        self.node(name).id()
    }
    fn expanded(&self) -> ExpandedKey {
        self.node("recipient").get_expanded_key()
    }

    fn add(&mut self, kind: &str, name: &str, input: Vec<u8>, more: Value) {
        let mut case = json!({"name": name, "kind": kind, "valid": true, "input": hex(&input)});
        for (field, value) in more.as_object().expect("fields") {
            case[field] = value.clone();
        }
        self.cases.push(case);
    }

    // ---- paths ----

    fn path(
        &self,
        nodes: &[(&str, Option<u64>)],
        dummies: usize,
        context: MessageContext,
        session: u8,
    ) -> BlindedMessagePath {
        let (last, before) = nodes.split_last().expect("a node");
        let before: Vec<MessageForwardNode> = before
            .iter()
            .map(|&(name, short_channel_id)| MessageForwardNode { node_id: self.id(name), short_channel_id })
            .collect();
        let node = self.node(last.0);
        let (id, key, chance) = (node.id(), node.get_receive_auth_key(), Chosen::of(&[[session; 32]]));
        BlindedMessagePath::new_with_dummy_hops(&before, id, dummies, key, context, &chance, &SECP)
    }
    fn release_path(&self, htlc_id: u64) -> BlindedMessagePath {
        let context = AsyncPaymentsContext::ReleaseHeldHtlc {
            intercept_id: InterceptId([htlc_id as u8; 32]),
            prev_outbound_scid_alias: SCID,
            htlc_id,
        };
        let context = MessageContext::AsyncPayments(context);
        self.path(&[("payer_lsp", None)], 3, context, 60 + htlc_id as u8)
    }
    fn recipient_path(&self, scid: Option<u64>) -> BlindedMessagePath {
        let context = AsyncPaymentsContext::InboundPayment { path_absolute_expiry: Duration::from_secs(EXPIRY) };
        self.path(&[("recipient_lsp", scid), ("recipient", None)], 0, MessageContext::AsyncPayments(context), 51)
    }
    fn offer_path(&self) -> BlindedMessagePath {
        let context = OffersContext::StaticInvoiceRequested {
            recipient_id: b"recipient".to_vec(),
            invoice_slot: 3,
            path_absolute_expiry: Duration::from_secs(EXPIRY),
        };
        self.path(&[("server", None)], 0, MessageContext::Offers(context), 52)
    }
    fn payment_path(&self) -> BlindedPaymentPath {
        let relay = PaymentRelay { cltv_expiry_delta: 72, fee_proportional_millionths: 500, fee_base_msat: 1_000 };
        let forward = PaymentForwardNode {
            tlvs: ForwardTlvs {
                short_channel_id: SCID,
                payment_relay: relay,
                payment_constraints: PaymentConstraints { max_cltv_expiry: 900_000, htlc_minimum_msat: 1 },
                features: BlindedHopFeatures::empty(),
                next_blinding_override: None,
            },
            node_id: self.id("recipient_lsp"),
            htlc_maximum_msat: 5_000_000_000,
        };
        let receive = UnauthenticatedReceiveTlvs {
            payment_secret: PaymentSecret([53; 32]),
            payment_constraints: PaymentConstraints { max_cltv_expiry: 900_072, htlc_minimum_msat: 1 },
            payment_context: PaymentContext::AsyncBolt12Offer(AsyncBolt12OfferContext { offer_nonce: nonce(1) }),
        };
        let receive = receive.authenticate(nonce(2), &self.expanded());
        let chance = Chosen::of(&[[54; 32]]);
        BlindedPaymentPath::new(&[forward], self.id("recipient"), receive, 5_000_000_000, 42, &chance, &SECP)
            .expect("a path")
    }

    fn paths(&mut self) {
        for (name, path) in [
            ("path_of_one_hop", self.offer_path()),
            ("path_of_two_hops_padded", self.recipient_path(None)),
            ("path_of_two_hops_named_by_channel", self.recipient_path(Some(SCID))),
            ("path_with_dummy_hops", self.release_path(7)),
        ] {
            self.add("blinded_path", name, path.encode(), json!({"expect": view::message_path(&path)}));
        }
    }

    // ---- offers, requests, invoices ----

    fn offer(&self) -> Offer {
        OfferBuilder::new(self.id("issuer"))
            .chain(Network::Regtest)
            .metadata(vec![1, 2, 3])
            .expect("metadata")
            .amount_msats(250_000)
            .description("a cup of tea".into())
            .absolute_expiry(Duration::from_secs(EXPIRY))
            .issuer("the tea room".into())
            .supported_quantity(Quantity::Bounded(5.try_into().expect("not zero")))
            .path(self.offer_path())
            .build()
            .expect("an offer")
    }
    fn async_offer(&self) -> Offer {
        OfferBuilder::deriving_signing_pubkey(self.id("recipient"), &self.expanded(), nonce(1), &SECP)
            .chain(Network::Regtest)
            .absolute_expiry(Duration::from_secs(EXPIRY))
            .path(self.offer_path())
            .build()
            .expect("an offer")
    }

    fn offers(&mut self) {
        let issuer = self.id("issuer");
        let full = json!({
            "chain": "regtest", "metadata": "010203", "amount_msat": 250_000, "description": "a cup of tea",
            "expires_at": EXPIRY, "issuer": "the tea room", "quantity_max": 5, "paths": hex(&self.offer_path().encode())
        });
        let plain = OfferBuilder::new(issuer).build().expect("an offer");
        let any = OfferBuilder::new(issuer).description("".into()).supported_quantity(Quantity::Unbounded).build();
        for (name, offer, build) in [
            ("offer_with_everything", self.offer(), Some(full)),
            ("offer_with_nothing", plain, Some(json!({}))),
            ("offer_of_any_quantity", any.expect("an offer"), Some(json!({"description": "", "quantity_max": 0}))),
            ("offer_of_an_async_recipient", self.async_offer(), None),
        ] {
            let mut more = json!({"text": offer.to_string(), "expect": view::offer(&offer)});
            if let Some(mut build) = build {
                build["key"] = json!("issuer");
                build["seed"] = json!(SEED);
                more["build"] = build;
            }
            self.add("offer", name, offer.encode(), more);
        }
    }

    fn request(&self, offer: &Offer) -> InvoiceRequest {
        let builder = offer.request_invoice(&self.expanded(), nonce(3), &SECP, PaymentId([55; 32])).expect("a request");
        let builder = builder.chain(Network::Regtest).expect("its chain").amount_msats(750_000).expect("enough");
        let builder = builder.payer_note("for Tuesday".into());
        let builder = if offer.expects_quantity() { builder.quantity(3).expect("few enough") } else { builder };
        builder.build_and_sign().expect("a request")
    }

    fn static_invoice(&self, changed: bool) -> (StaticInvoice, SecretKey) {
        let (offer, key) = (self.async_offer(), self.expanded());
        let builder = StaticInvoiceBuilder::for_offer_using_derived_keys(
            &offer,
            vec![self.payment_path()],
            vec![self.recipient_path(None)],
            Duration::from_secs(CREATED),
            &key,
            nonce(1),
            &SECP,
        )
        .expect("a static invoice");
        let builder = if changed { builder.relative_expiry(31_536_000).allow_mpp() } else { builder };
        let (unsigned, keys) = builder.build().expect("a static invoice");
        let sign = |message: &UnsignedStaticInvoice| {
            Ok(SECP.sign_schnorr_no_aux_rand(AsRef::<TaggedHash>::as_ref(message).as_digest(), &keys))
        };
        (unsigned.sign(sign).expect("a signature"), keys.secret_key())
    }

    fn invoices(&mut self) {
        let offer = self.offer();
        let request = self.request(&offer);
        self.add(
            "invoice_request",
            "invoice_request",
            request.encode(),
            json!({"expect": view::invoice_request(&request)}),
        );
        let path = self.payment_path();
        let payment_path = payment_path_hex(&path);
        let issuer = self.key("issuer").keypair(&SECP);
        for (name, changed) in [("invoice", false), ("invoice_with_expiry", true)] {
            let builder = request
                .respond_with_no_std(vec![path.clone()], PaymentHash([56; 32]), Duration::from_secs(CREATED))
                .expect("an invoice");
            let builder = if changed { builder.relative_expiry(600) } else { builder };
            let sign = |message: &UnsignedBolt12Invoice| {
                Ok(SECP.sign_schnorr_no_aux_rand(message.tagged_hash().as_digest(), &issuer))
            };
            let invoice = builder.build().expect("an invoice").sign(sign).expect("a signature");
            let mut build = json!({
                "request": hex(&request.encode()), "key": "issuer", "seed": SEED, "payment_paths": payment_path,
                "created_at": CREATED, "payment_hash": hex(&[56; 32])
            });
            if changed {
                build["relative_expiry_s"] = json!(600);
            }
            self.add("invoice", name, invoice.encode(), json!({"expect": view::invoice(&invoice), "build": build}));
        }
        let offer = hex(&self.async_offer().encode());
        for (name, changed) in [("static_invoice", false), ("static_invoice_of_a_year_in_several_parts", true)] {
            let (invoice, key) = self.static_invoice(changed);
            let mut build = json!({
                "offer": offer, "key": hex(&key.secret_bytes()), "profile": "ldk", "payment_paths": payment_path,
                "message_paths": hex(&self.recipient_path(None).encode()), "created_at": CREATED
            });
            if changed {
                build["relative_expiry_s"] = json!(31_536_000);
                build["multipart"] = json!(true);
            }
            let more = json!({"expect": view::static_invoice(&invoice), "build": build});
            self.add("static_invoice", name, invoice.encode(), more);
        }
        let (invoice, _) = self.static_invoice(false);
        self.add(
            "static_invoice_check",
            "a_payer_may_pay_it",
            invoice.encode(),
            json!({"offer": offer, "time": CREATED}),
        );
    }

    // ---- messages ----

    fn async_messages(&self) -> Vec<(&'static str, AsyncPaymentsMessage)> {
        use AsyncPaymentsMessage::*;
        let paths = vec![self.offer_path(), self.recipient_path(Some(SCID))];
        let forward = MessageContext::Offers(OffersContext::InvoiceRequest { nonce: nonce(1) });
        let forward = self.path(&[("server", None), ("recipient", None)], 0, forward, 57);
        let serve =
            self::ServeStaticInvoice { invoice: self.static_invoice(false).0, forward_invoice_request_path: forward };
        vec![
            ("held_htlc_available", HeldHtlcAvailable(self::HeldHtlcAvailable {})),
            ("release_held_htlc", ReleaseHeldHtlc(self::ReleaseHeldHtlc {})),
            ("offer_paths_request", OfferPathsRequest(self::OfferPathsRequest { invoice_slot: 258 })),
            ("offer_paths", OfferPaths(self::OfferPaths { paths: paths.clone(), paths_absolute_expiry: None })),
            ("offer_paths_with_expiry", OfferPaths(self::OfferPaths { paths, paths_absolute_expiry: Some(EXPIRY) })),
            ("serve_static_invoice", ServeStaticInvoice(serve)),
            ("static_invoice_persisted", StaticInvoicePersisted(self::StaticInvoicePersisted {})),
        ]
    }
    fn offers_messages(&self) -> Vec<(&'static str, OffersMessage)> {
        let field = ErroneousField { tlv_fieldnum: 82, suggested_value: Some(vec![5]) };
        let error = InvoiceError { erroneous_field: Some(field), message: UntrustedString("too little".into()) };
        vec![
            ("invoice_request_as_contents", OffersMessage::InvoiceRequest(self.request(&self.offer()))),
            ("static_invoice_as_contents", OffersMessage::StaticInvoice(self.static_invoice(false).0)),
            ("invoice_error_with_a_suggestion", OffersMessage::InvoiceError(error)),
            ("invoice_error", OffersMessage::InvoiceError(InvoiceError::from_string("no".into()))),
        ]
    }

    fn contents(&mut self) {
        for (name, message) in self.async_messages() {
            let more = json!({"tlv_type": message.tlv_type(), "expect": view::async_message(&message)});
            self.add("onion_message_contents", name, message.encode(), more);
        }
        for (name, message) in self.offers_messages() {
            let more = json!({"tlv_type": message.tlv_type(), "expect": view::offers_message(&message)});
            self.add("onion_message_contents", name, message.encode(), more);
        }
    }

    fn peer_messages(&mut self) {
        let mut add = UpdateAddHTLC {
            channel_id: ChannelId([58; 32]),
            htlc_id: 7,
            amount_msat: 250_000,
            payment_hash: PaymentHash([56; 32]),
            cltv_expiry: 800_144,
            skimmed_fee_msat: None,
            onion_routing_packet: self.payment(false).onion().expect("an onion"),
            blinding_point: None,
            hold_htlc: Some(()),
        };
        let of = |number: u8, message: Vec<u8>| [&[0, number], &message[..]].concat();
        let expect = |add: &UpdateAddHTLC| json!({"expect": view::update_add_htlc(add)});
        self.add("message", "update_add_htlc_hold", of(128, add.encode()), expect(&add));
        add.blinding_point = Some(self.id("payer"));
        self.add("message", "update_add_htlc_hold_with_path_key", of(128, add.encode()), expect(&add));
        for (name, ids) in [("revoke_and_ack", 0..0), ("revoke_and_ack_with_release_paths", 7..9)] {
            let revoke = RevokeAndACK {
                channel_id: ChannelId([58; 32]),
                per_commitment_secret: [59; 32],
                next_per_commitment_point: self.id("payer_lsp"),
                release_htlc_message_paths: ids.map(|id| (id, self.release_path(id))).collect(),
            };
            self.add("message", name, of(133, revoke.encode()), json!({"expect": view::revoke_and_ack(&revoke)}));
        }
    }

    // ---- onions ----

    /// With the same key for its own part of the way and for the packet, as LDK has it. Layers: as far as LDK opens them,
    /// and those that only Doze opens with what Doze must find.
    fn onion_message<C: OnionMessageContents>(
        &mut self,
        name: &str,
        contents: C,
        to: BlindedMessagePath,
        reply: Option<BlindedMessagePath>,
        way: &[&str],
        nodes: &[(&str, Option<Value>)],
        mut build: Value,
    ) {
        let session = self.key("session");
        let path = OnionMessagePath {
            intermediate_nodes: way.iter().map(|name| self.id(name)).collect(),
            destination: Destination::BlindedPath(to.clone()),
            first_node_addresses: vec![],
        };
        let (sender, chance) = (self.node("payer"), Chosen::session(&session));
        let (_, mut onion, _) =
            create_onion_message(&&chance, &&sender, &&EmptyNodeIdLookUp {}, &SECP, path, contents, reply.clone())
                .expect("an onion message");
        let input = [&[2, 1], &onion.encode()[..]].concat();
        let mut layers = vec![];
        for (node, found) in nodes {
            let key = hex(&self.key(node).secret_bytes());
            if let Some(found) = found {
                layers.push(json!({"node_private_key": key, "expect": found}));
                break;
            }
            let (view, next) = self.opened(&onion, node);
            onion = next;
            layers.push(json!({"node_private_key": key, "expect": view}));
        }
        build["to"] = json!(hex(&to.encode()));
        build["session_key"] = json!(hex(&session.secret_bytes()));
        build["onion_key"] = build["session_key"].clone();
        if let Some(reply) = reply {
            build["reply_path"] = json!(hex(&reply.encode()));
        }
        if !way.is_empty() {
            build["way"] = json!(way.iter().map(|name| self.id(name).to_string()).collect::<Vec<_>>().join(","));
        }
        self.add("onion_message", name, input, json!({"layers": layers, "build": build}));
    }

    fn opened(&self, onion: &OnionMessage, node: &str) -> (Value, OnionMessage) {
        match peel_onion_message(onion, &SECP, &self.node(node), &Quiet, IgnoringMessageHandler {}) {
            Ok(PeeledOnion::Forward(next, onion)) => (read::forward(&next, &onion), onion),
            other => panic!("{node} opens {other:?}"),
        }
    }

    fn onion_messages(&mut self) {
        let release = self.release_path(7);
        for (name, scid, way) in [
            ("onion_to_a_path", None, &[][..]),
            ("onion_to_a_path_that_names_a_channel", Some(SCID), &[][..]),
            ("onion_over_two_nodes", None, &["payer_lsp", "server"][..]),
        ] {
            let message = AsyncPaymentsMessage::HeldHtlcAvailable(HeldHtlcAvailable {});
            let nodes: Vec<_> = way.iter().chain(&["recipient_lsp"]).map(|node| (*node, None)).collect();
            let build = json!({"message": "held_htlc_available", "profile": "ldk"});
            self.onion_message(name, message, self.recipient_path(scid), Some(release.clone()), way, &nodes, build);
        }
        // To paths that Doze made: Doze opens the last layer.
        let doze = self.keys.clone();
        let to = |name: &str| {
            let case = cases::cases(&doze).iter().find(|case| case["name"] == name).expect(name).clone();
            let last = case["layers"].as_array().expect("layers").last().expect("a layer").clone();
            (cases::paths(cases::text(&case["build"], "to")).remove(0), last["expect"]["path_id"].clone())
        };
        let last = |contents: Value, path_id: &Value, reply: Option<&BlindedMessagePath>| {
            let mut out = json!({"layer": "final", "path_id": path_id, "contents": contents});
            if let Some(reply) = reply {
                out["reply_path"] = view::message_path(reply);
            }
            Some(out)
        };
        let (path, path_id) = to("held_htlc_available_over_the_payers_lsp_ldk");
        let message = AsyncPaymentsMessage::HeldHtlcAvailable(HeldHtlcAvailable {});
        let found = last(view::async_message(&message), &path_id, Some(&release));
        let nodes = [("payer_lsp", None), ("recipient_lsp", None), ("recipient", found)];
        let build = json!({"message": "held_htlc_available", "profile": "ldk"});
        self.onion_message(
            "held_htlc_available_to_doze",
            message,
            path,
            Some(release.clone()),
            &["payer_lsp"],
            &nodes,
            build,
        );

        let (path, path_id) = to("release_held_htlc_over_the_release_path_ldk");
        let message = AsyncPaymentsMessage::ReleaseHeldHtlc(ReleaseHeldHtlc {});
        let nodes = [("payer_lsp", last(view::async_message(&message), &path_id, None))];
        let build = json!({"message": "release_held_htlc", "profile": "ldk"});
        self.onion_message("release_held_htlc_to_doze", message, path, None, &[], &nodes, build);

        let (path, path_id) = to("serve_static_invoice_ldk");
        let message =
            self.async_messages().into_iter().find(|(name, _)| *name == "serve_static_invoice").expect("it").1;
        let AsyncPaymentsMessage::ServeStaticInvoice(serve) = &message else { panic!() };
        let build = json!({"message": "serve_static_invoice", "profile": "ldk", "contents": hex(&serve.invoice.encode()),
                           "paths": hex(&serve.forward_invoice_request_path.encode())});
        let nodes = [("server", last(view::async_message(&message), &path_id, Some(&release)))];
        self.onion_message("serve_static_invoice_to_doze", message, path, Some(release.clone()), &[], &nodes, build);

        let (path, path_id) = to("invoice_request_to_the_server");
        let message = OffersMessage::InvoiceRequest(self.request(&self.offer()));
        let build = json!({"message": "invoice_request", "contents": hex(&message.encode())});
        let nodes = [("server", last(view::offers_message(&message), &path_id, Some(&release)))];
        self.onion_message("invoice_request_to_doze", message, path, Some(release), &[], &nodes, build);
    }

    fn payment(&self, blinded: bool) -> Payment {
        let preimage = [60; 32];
        let path = self.payment_path();
        let mut out = Payment {
            session_key: self.key("session"),
            payment_hash: sha256::Hash::hash(&preimage).to_byte_array(),
            way: vec![(self.id("payer_lsp"), 1, 0, 0), (self.id("recipient_lsp"), 600 << 40 | 2 << 16 | 1, 1_125, 114)],
            amount_msat: 250_000,
            height: 800_000,
            secret: None,
            tail: None,
            preimage: None,
            invoice_request: None,
        };
        if blinded {
            out.tail = Some((path.blinding_point(), path.blinded_hops().to_vec()));
            out.preimage = Some(preimage);
            out.invoice_request = Some(self.request(&self.async_offer()));
        } else {
            out.secret = Some([61; 32]);
            out.way.push((self.id("recipient"), SCID, 250_000, 42));
        }
        out
    }

    fn payments(&mut self) {
        for (name, blinded) in [("payment_onion_to_a_node", false), ("payment_onion_for_a_static_invoice", true)] {
            let payment = self.payment(blinded);
            let (session, hash) = (payment.session_key, payment.payment_hash);
            let mut ids: Vec<PublicKey> = payment.way.iter().map(|hop| hop.0).collect();
            if let Some((_, hops)) = &payment.tail {
                ids.extend(hops.iter().skip(1).map(|hop| hop.blinded_node_id));
            }
            let payloads = payloads(&payment);
            let mut packet = payment.onion().expect("an onion");
            let input = packet.encode();
            let mut htlc = Incoming { amount_msat: 251_125, cltv_expiry: 800_228, path_key: None };
            let mut layers = vec![];
            for (node, payload) in ["payer_lsp", "recipient_lsp", "recipient"].iter().zip(&payloads) {
                let signer = self.node(node);
                let info = payments::peel(&packet, hash, &htlc, &signer).expect(node);
                let (mut view, next) = payments::look(&info, &signer);
                view["payload_hex"] = json!(hex(payload));
                layers.push(json!({"node_private_key": hex(&self.key(node).secret_bytes()), "expect": view}));
                if let Some(next) = next {
                    (packet, htlc) = next;
                }
            }
            let hops: Vec<String> = ids.iter().zip(&payloads).map(|(id, p)| format!("{id}:{}", hex(p))).collect();
            let build = json!({"hops": hops.join(","), "session_key": hex(&session.secret_bytes()),
                               "associated_data": hex(&hash)});
            let more = json!({"associated_data": hex(&hash), "layers": layers, "build": build});
            self.add("payment_onion", name, input, more);
        }
    }
}

fn payment_path_hex(path: &BlindedPaymentPath) -> String {
    let message_path = BlindedMessagePath::from_blinded_path(
        match path.introduction_node() {
            lightning::blinded_path::IntroductionNode::NodeId(id) => *id,
            _ => panic!("a node id"),
        },
        path.blinding_point(),
        path.blinded_hops().to_vec(),
    );
    format!("{}:{}", hex(&message_path.encode()), hex(&path.payinfo.encode()))
}

/// The payloads as BOLT 4 has them, by hand: LDK's API does not give them, and so they are compared with what it wrote.
fn payloads(payment: &Payment) -> Vec<Vec<u8>> {
    let record = |number: u64, value: &[u8]| {
        use lightning::util::ser::BigSize;
        [BigSize(number).encode(), BigSize(value.len() as u64).encode(), value.to_vec()].concat()
    };
    let short = |number: u64| {
        let bytes = number.to_be_bytes();
        bytes[(number.leading_zeros() / 8) as usize..].to_vec()
    };
    let forward = |amount: u64, cltv: u64, channel: u64| {
        [record(2, &short(amount)), record(4, &short(cltv)), record(6, &channel.to_be_bytes())].concat()
    };
    let (amount, height) = (payment.amount_msat, payment.height as u64);
    let last = &payment.way[payment.way.len() - 1];
    match (&payment.tail, payment.secret) {
        (Some((path_key, hops)), _) => {
            let request = payment.invoice_request.as_ref().expect("a request").encode();
            vec![
                forward(amount + last.2, height + last.3 as u64, last.1),
                [record(10, &hops[0].encrypted_payload), record(12, &path_key.serialize())].concat(),
                [
                    record(2, &short(amount)),
                    record(4, &short(height)),
                    record(10, &hops[1].encrypted_payload),
                    record(18, &short(amount)),
                    record(77_777, &request),
                    record(5_482_373_484, &payment.preimage.expect("a preimage")),
                ]
                .concat(),
            ]
        }
        (None, secret) => {
            let between = &payment.way[1];
            let cltv = height + last.3 as u64;
            let data = [&secret.expect("a secret")[..], &short(amount)].concat();
            vec![
                forward(amount + between.2, cltv + between.3 as u64, between.1),
                forward(amount, cltv, last.1),
                [record(2, &short(amount)), record(4, &short(cltv)), record(8, &data)].concat(),
            ]
        }
    }
}
