//! `ldk-rows [ROW...] [--rounds N] [--list]`: what the rows of `bench` cost LDK.
//!
//! A row is named as in `bench` and does the same work with the same shapes of input. One line per round: the row's name
//! and microseconds of this thread's processor time per operation. The first round of each row warms up and is not printed.

mod channel;
mod invoice;
mod node;
mod onion;
mod payment;

use std::time::Duration;

/// Runs while an operation does what is to be measured.
#[derive(Default)]
pub struct Clock {
    spent: Duration,
}

impl Clock {
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let began = thread_time();
        let out = work();
        self.spent += thread_time() - began;
        out
    }
}

fn thread_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes one timespec.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) };
    assert_eq!(result, 0);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

pub trait Row {
    /// Untimed, before each round: inputs that nobody has seen before.
    fn fresh(&mut self, operations: usize);
    /// One operation; panics if it does not do what the row says.
    fn run(&mut self, number: usize, clock: &mut Clock);
}

/// A row's name, its operations per round, and how it is made.
type Named = (&'static str, usize, fn() -> Box<dyn Row>);

const ROWS: &[Named] = &[
    ("om_forward", 24, || Box::new(onion::Messages::forward(false))),
    ("om_forward_32k", 24, || Box::new(onion::Messages::forward(true))),
    ("om_final", 48, || Box::new(onion::Messages::last())),
    ("pay_peel", 48, || Box::new(payment::Peel::new(false))),
    ("pay_peel_blinded", 48, || Box::new(payment::Peel::new(true))),
    ("pay_build_4", 48, || Box::new(payment::Build::new(0))),
    ("pay_build_4_invreq", 48, || Box::new(payment::Build::new(402))),
    ("bpath_build_2", 48, || Box::new(onion::Path::new(2))),
    ("bpath_build_4", 48, || Box::new(onion::Path::new(4))),
    ("bpath_build_5", 48, || Box::new(onion::Path::new(5))),
    ("noise_accept", 48, || Box::new(onion::Accept::new())),
    ("si_create", 24, || Box::new(invoice::Create::new(2))),
    ("si_create_1+1", 24, || Box::new(invoice::Create::new(1))),
    ("si_verify", 24, || Box::new(invoice::Verify::new())),
    ("si_serve_10k", 24, || Box::new(invoice::Serve::new(10_000, 1))),
    ("si_serve_32k_10k", 24, || Box::new(invoice::Serve::new(10_000, 2))),
    ("commit_round_1", 24, || Box::new(channel::Rounds::new(1))),
    ("commit_round_10", 24, || Box::new(channel::Rounds::new(10))),
    ("commit_round_100", 8, || Box::new(channel::Rounds::new(100))),
    ("commit_round_483", 2, || Box::new(channel::Rounds::new(483))),
    ("gossip_verify", 24, || Box::new(channel::Announcement::new())),
];

fn measure((name, operations, make): &Named, rounds: usize) {
    let mut row = make();
    for round in 0..=rounds {
        row.fresh(*operations);
        let mut clock = Clock::default();
        for number in 0..*operations {
            row.run(number, &mut clock);
        }
        if round != 0 {
            println!("{name} {:.3}", clock.spent.as_secs_f64() * 1e6 / *operations as f64);
        }
    }
}

fn main() {
    let mut rounds = 15;
    let mut wanted = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--list" => return ROWS.iter().for_each(|row| println!("{}", row.0)),
            "--rounds" => rounds = words.next().and_then(|n| n.parse().ok()).expect("--rounds needs a number"),
            _ => wanted.push(word),
        }
    }
    for name in &wanted {
        assert!(ROWS.iter().any(|row| row.0 == name), "there is no row {name}: see --list");
    }
    for row in ROWS.iter().filter(|row| wanted.is_empty() || wanted.iter().any(|name| name == row.0)) {
        measure(row, rounds);
    }
}
