//! Onion messages, blinded paths, the handshake.

use crate::node::{Contents, Node, Pipe, Quiet, Wire};
use crate::{Clock, Row};
use bitcoin::secp256k1::{All, Secp256k1};
use lightning::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode};
use lightning::blinded_path::EmptyNodeIdLookUp;
use lightning::ln::msgs::OnionMessage;
use lightning::onion_message::messenger::{
    create_onion_message, peel_onion_message, Destination, OnionMessagePath, PeeledOnion,
};
use lightning::sign::NodeSigner;
use lightning::util::ser::{LengthReadable, Writeable};

/// Messages from A through us to B, or to us.
pub struct Messages {
    us: Node,
    a: Node,
    b: Node,
    from_a: Wire,
    to_b: Wire,
    secp: Secp256k1<All>,
    large: bool,
    to_us: bool,
    inputs: Vec<Vec<u8>>,
}

impl Messages {
    /// Frame in, frame out, through the peer manager and the messenger.
    pub fn forward(large: bool) -> Messages {
        Messages::new(large, false)
    }
    /// The message without a frame.
    pub fn last() -> Messages {
        Messages::new(false, true)
    }
    fn new(large: bool, to_us: bool) -> Messages {
        let (us, a, b) = (Node::new(1), Node::new(2), Node::new(3));
        let (from_a, to_b) = (Wire::new(&us, &a), Wire::new(&us, &b));
        Messages { us, a, b, from_a, to_b, secp: Secp256k1::new(), large, to_us, inputs: Vec::new() }
    }
    fn message(&self) -> OnionMessage {
        let (through, to) = if self.to_us { (None, &self.us) } else { (Some(&self.us), &self.b) };
        let through = through.map(|node| MessageForwardNode { node_id: node.id, short_channel_id: None });
        let path = BlindedMessagePath::new(
            through.as_slice(),
            to.id,
            to.keys.get_receive_auth_key(),
            MessageContext::Custom(vec![7; 16]),
            &*self.a.keys,
            &self.secp,
        );
        let path = OnionMessagePath {
            intermediate_nodes: Vec::new(),
            destination: Destination::BlindedPath(path),
            first_node_addresses: Vec::new(),
        };
        let contents = Contents(vec![5; if self.large { 2_000 } else { 400 }]);
        let nobody = EmptyNodeIdLookUp {};
        create_onion_message(&&*self.a.keys, &&*self.a.keys, &&nobody, &self.secp, path, contents, None).unwrap().1
    }
}

impl Row for Messages {
    fn fresh(&mut self, operations: usize) {
        self.us.ping();
        self.a.ping();
        self.from_a.settle(&self.us, &self.a);
        self.to_b.settle(&self.us, &self.b);
        self.inputs = (0..operations)
            .map(|_| self.message())
            .map(|m| if self.to_us { m.encode() } else { self.from_a.frame(&self.us, &self.a, m) })
            .collect();
    }
    fn run(&mut self, number: usize, clock: &mut Clock) {
        let input = &self.inputs[number];
        if self.to_us {
            let peeled = clock.time(|| {
                let message = OnionMessage::read_from_fixed_length_buffer(&mut &input[..]).expect("a message");
                peel_onion_message(&message, &self.secp, &*self.us.keys, &Quiet, &*self.us.handler)
            });
            assert!(matches!(peeled, Ok(PeeledOnion::Custom(..))), "not received");
        } else {
            clock.time(|| self.us.read(&mut self.from_a.near, input));
            let out = self.to_b.near.take();
            assert!(out.len() > if self.large { 32_768 } else { 1_300 }, "not forwarded");
            self.b.read(&mut self.to_b.far, &out);
        }
    }
}

/// A peer, then ourselves; from the third hop on dummy hops.
pub struct Path {
    us: Node,
    peer: Node,
    secp: Secp256k1<All>,
    hops: usize,
}

impl Path {
    pub fn new(hops: usize) -> Path {
        Path { us: Node::new(1), peer: Node::new(2), secp: Secp256k1::new(), hops }
    }
}

impl Row for Path {
    fn fresh(&mut self, _: usize) {}
    fn run(&mut self, _: usize, clock: &mut Clock) {
        let path = clock.time(|| {
            BlindedMessagePath::new_with_dummy_hops(
                &[MessageForwardNode { node_id: self.peer.id, short_channel_id: None }],
                self.us.id,
                self.hops - 2,
                self.us.keys.get_receive_auth_key(),
                MessageContext::Custom(vec![3; 49]),
                &*self.us.keys,
                &self.secp,
            )
        });
        assert_eq!(path.blinded_hops().len(), self.hops);
    }
}

/// The accepting side of a handshake, until its init is sent. What the dialler does meanwhile is not measured.
pub struct Accept {
    us: Node,
    dialler: Node,
}

impl Accept {
    pub fn new() -> Accept {
        Accept { us: Node::new(1), dialler: Node::new(2) }
    }
}

impl Row for Accept {
    fn fresh(&mut self, _: usize) {}
    fn run(&mut self, _: usize, clock: &mut Clock) {
        let (mut near, mut far) = (Pipe::new(), Pipe::new());
        let act_one = self.dialler.peers.new_outbound_connection(self.us.id, far.clone(), None).unwrap();
        clock.time(|| {
            self.us.peers.new_inbound_connection(near.clone(), None).unwrap();
            self.us.read(&mut near, &act_one);
        });
        let act_two = near.take();
        assert_eq!(act_two.len(), 50);
        self.dialler.read(&mut far, &act_two);
        let mut rest = far.take();
        let their_init = rest.split_off(66);
        clock.time(|| self.us.read(&mut near, &rest));
        assert!(!near.take().is_empty(), "no init");
        self.us.read(&mut near, &their_init);
        self.us.peers.socket_disconnected(&near);
        self.dialler.peers.socket_disconnected(&far);
    }
}
