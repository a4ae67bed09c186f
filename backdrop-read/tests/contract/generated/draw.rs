//! The source of chance: values drawn from strategies, the same ones for the same seed.

use proptest::sample::select;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::ops::Range;

/// Draws values, each of which may depend on those before.
#[derive(Debug)]
pub(crate) struct Draw(TestRunner);

impl Draw {
    /// The draw of one data set of a run.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&number.to_le_bytes());
        let source = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self(TestRunner::new_with_rng(Config::default(), source))
    }

    /// A value of a strategy.
    pub(crate) fn of<S: Strategy>(&mut self, strategy: S) -> S::Value {
        strategy.new_tree(&mut self.0).expect("strategies here reject nothing").current()
    }

    /// One of some; of weighted ones, repeat the likelier.
    pub(crate) fn one<T: Clone + std::fmt::Debug + 'static>(&mut self, some: &[T]) -> T {
        self.of(select(some.to_vec()))
    }

    /// Some of them, none twice.
    pub(crate) fn some<T: Clone + std::fmt::Debug + 'static>(&mut self, count: usize, of: &[T]) -> Vec<T> {
        self.of(proptest::sample::subsequence(of.to_vec(), count))
    }

    /// A number of a range.
    pub(crate) fn number(&mut self, range: Range<usize>) -> usize {
        self.of(range)
    }

    /// Yes in so many cases of a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.number(0..100) < percent
    }
}
