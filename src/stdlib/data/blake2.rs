//! BLAKE2b and BLAKE2s with output size, key, salt and person chosen when the program runs, which the
//! crates fix when they are compiled. Source: RFC 7693.

/// The order of message words in each round; BLAKE2b's rounds 10 and 11 repeat the first two.
const SIGMA: [[u8; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

macro_rules! blake2 {
    ($name:ident $word:ident $bytes:literal $rounds:literal [$($turn:literal),*] $iv:expr) => {
        #[derive(Clone)]
        pub struct $name {
            h: [$word; 8],
            block: [u8; $bytes * 16],
            used: usize,
            total: u128,
            size: usize,
        }

        impl $name {
            const BLOCK: usize = $bytes * 16;
            pub const SIZE_MAX: usize = $bytes * 8;
            pub const SALT_MAX: usize = $bytes * 2;

            /// `size` and the length of `key` at most `SIZE_MAX`, those of salt and person at most `SALT_MAX`.
            pub fn new(size: usize, key: &[u8], salt: &[u8], person: &[u8]) -> $name {
                let mut parameters = [0u8; $bytes * 8];
                parameters[..4].copy_from_slice(&[size as u8, key.len() as u8, 1, 1]);
                parameters[$bytes * 4..][..salt.len()].copy_from_slice(salt);
                parameters[$bytes * 6..][..person.len()].copy_from_slice(person);
                let mut h: [$word; 8] = $iv;
                for (h, p) in h.iter_mut().zip(words(&parameters)) {
                    *h ^= p;
                }
                let mut b = $name { h, block: [0; $bytes * 16], used: 0, total: 0, size };
                if !key.is_empty() {
                    let mut first = [0; $bytes * 16];
                    first[..key.len()].copy_from_slice(key);
                    b.update(&first);
                }
                return b;

                fn words(bytes: &[u8]) -> impl Iterator<Item = $word> {
                    bytes.chunks_exact($bytes).map(|c| c.iter().rev().fold(0, |w, b| (w << 8) | $word::from(*b)))
                }
            }

            pub fn update(&mut self, mut data: &[u8]) {
                while !data.is_empty() {
                    // The last block is kept back: it is compressed with the mark of the end.
                    if self.used == Self::BLOCK {
                        self.compress(false);
                    }
                    let n = data.len().min(Self::BLOCK - self.used);
                    self.block[self.used..][..n].copy_from_slice(&data[..n]);
                    self.used += n;
                    data = &data[n..];
                }
            }

            pub fn finish(&self) -> Vec<u8> {
                let mut b = self.clone();
                b.block[b.used..].fill(0);
                b.compress(true);
                let mut out: Vec<u8> = b.h.iter().flat_map(|w| w.to_le_bytes()).collect();
                out.truncate(self.size);
                out
            }

            fn compress(&mut self, last: bool) {
                self.total += self.used as u128;
                self.used = 0;
                let mut m = [0 as $word; 16];
                for (m, c) in m.iter_mut().zip(self.block.chunks_exact($bytes)) {
                    *m = c.iter().rev().fold(0, |w, b| (w << 8) | $word::from(*b));
                }
                let mut v = [0 as $word; 16];
                v[..8].copy_from_slice(&self.h);
                v[8..].copy_from_slice(&$iv);
                v[12] ^= self.total as $word;
                v[13] ^= (self.total >> ($bytes * 8)) as $word;
                if last {
                    v[14] = !v[14];
                }
                let turns: [u32; 4] = [$($turn),*];
                let mut mix = |a: usize, b: usize, c: usize, d: usize, x: $word, y: $word| {
                    v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
                    v[d] = (v[d] ^ v[a]).rotate_right(turns[0]);
                    v[c] = v[c].wrapping_add(v[d]);
                    v[b] = (v[b] ^ v[c]).rotate_right(turns[1]);
                    v[a] = v[a].wrapping_add(v[b]).wrapping_add(y);
                    v[d] = (v[d] ^ v[a]).rotate_right(turns[2]);
                    v[c] = v[c].wrapping_add(v[d]);
                    v[b] = (v[b] ^ v[c]).rotate_right(turns[3]);
                };
                for round in 0..$rounds {
                    let s = SIGMA[round % 10].map(usize::from);
                    mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
                    mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
                    mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
                    mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
                    mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
                    mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
                    mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
                    mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
                }
                for i in 0..8 {
                    self.h[i] ^= v[i] ^ v[i + 8];
                }
            }
        }
    };
}

blake2!(Blake2b u64 8 12 [32, 24, 16, 63] [
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
]);
blake2!(Blake2s u32 4 10 [16, 12, 8, 7] [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
