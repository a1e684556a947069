//! Chance in the story, drawn from its seed.

use crate::base::Random;

/// The dice.
#[derive(Clone, Copy)]
pub(super) struct Dice<'r>(pub(super) &'r Random);

impl Dice<'_> {
    /// True in so many of a hundred cases.
    pub(super) fn chance(self, percent: usize) -> bool {
        self.up_to(99) < percent
    }

    /// A number from `low` up to and including `high`.
    pub(super) fn between(self, low: i32, high: i32) -> i32 {
        i32::try_from(self.0.between(low.into(), high.into())).unwrap_or(low)
    }

    /// A number from 0 up to and including `high`.
    pub(super) fn up_to(self, high: usize) -> usize {
        usize::try_from(self.0.between(0, i64::try_from(high).unwrap_or(0))).unwrap_or(0)
    }

    /// One of several.
    pub(super) fn one_of<T>(self, of: &[T]) -> &T {
        &of[self.up_to(of.len() - 1)]
    }
}
