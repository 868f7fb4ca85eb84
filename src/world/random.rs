//! Random numbers: seeded streams for the simulated world, the OS's entropy for the real one.

use super::Stream;

/// One generator (splitmix64): small, seedable from any number, good enough to choose with.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Seeded by the OS.
    pub fn from_os() -> Random {
        use std::hash::{BuildHasher, Hasher};
        // The standard library seeds its hasher from the OS; hashing nothing gives that seed away.
        Random(std::hash::RandomState::new().build_hasher().finish())
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.draw() % n }
    }
}

/// One generator for each named stream, all fed from one seed.
#[derive(Clone, Debug)]
pub struct Streams([Random; 4]);

impl Streams {
    pub fn new(seed: u64) -> Streams {
        let mut root = Random::new(seed);
        Streams(std::array::from_fn(|_| Random::new(root.draw())))
    }

    pub fn from_os() -> Streams {
        Streams::new(Random::from_os().draw())
    }

    pub fn stream(&mut self, stream: Stream) -> &mut Random {
        &mut self.0[match stream {
            Stream::Script => 0,
            Stream::Choice => 1,
            Stream::Ties => 2,
            Stream::Latency => 3,
        }]
    }
}
