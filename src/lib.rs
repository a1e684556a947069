//! Shuitian (水田): the backend, the pages and the documents of a township public service centre.
//!
//! # Floors: each uses only those below it
//! ```text
//! 7  main                      the process
//! 6  command                   what an operator types
//! 5  serve                     assembly: all routes behind one gate
//! 4  api   pages   jobs  demo  doors, web pages, the timetable, a township to look at, what monitors ask: never each other
//!    monitor
//! 3  app   access  document    state, who may enter, what is printed
//! 2  domain        gateway     the rules; what lies outside: never each other
//! 1  base                      settings, clock, chance, errors, database, keys, vault, leases, log lines, metrics
//! 0  entity                    what is stored (a crate of its own; so is migration, which stands apart)
//! ```
//!
//! # Nouns: the same word on every floor
//! A *booking* is `entity::booking` (its tables), `domain::booking` (its rules), `api/booking/` (its doors) and
//! `tests/it/booking/` (its stories).
//!
//! # Three flows
//! * Book → remind: `api::booking` → [`domain::booking::book`] → [`domain::notice::say`] → commit … [`jobs::deliver`] →
//!   [`gateway::sms`] → [`domain::notice::settle`].
//! * End → rate: `api::case` → [`domain::case::advance`] and [`domain::review::invite`] in one act → page, door or text →
//!   [`domain::review::give`] or [`domain::review::receive_text`].
//! * Month ends → bulletin: the timetable → [`domain::bulletin::draft_due`] → the director → [`domain::bulletin::sign`];
//!   every figure is [`domain::figure`]'s and opens to its rows.

pub mod base;

pub mod domain;
pub mod gateway;

pub mod app;
pub mod access;
pub mod document;

pub mod api;
pub mod pages;
pub mod jobs;
pub mod demo;
pub mod monitor;

pub mod serve;
pub mod command;
