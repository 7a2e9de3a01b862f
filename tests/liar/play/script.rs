//! What is to be done, read off some bytes.

pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next step; `None` where the play is over.
    pub fn step(&mut self) -> Option<u8> {
        let (step, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*step)
    }

    /// A byte, zero past the end.
    pub fn byte(&mut self) -> u8 {
        self.step().unwrap_or(0)
    }

    /// A number below `bound`, which is at most 256.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub fn word(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// One of several, taken out.
    pub fn take<T>(&mut self, things: &mut Vec<T>) -> Option<T> {
        let which = usize::from(self.byte());
        (!things.is_empty()).then(|| things.swap_remove(which % things.len()))
    }
}
