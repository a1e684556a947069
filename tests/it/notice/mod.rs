//! Texts: said once, sent once, and not more than people can read.

mod attend;
mod outbox;
mod pace;
mod stop;
mod words;
mod workers;
