//! The stories of the main job, each told on SQLite with counting in memory and on PostgreSQL with counting in Redis.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test that cannot go on has failed, and says where; nothing here is seen from outside"
)]

mod ground;
mod person;
mod process;
mod town;

mod archive;
mod attendance;
mod authority;
mod booking;
mod browser;
mod bulletin;
mod case;
mod command;
mod demo;
mod document;
mod doors;
mod errors;
mod floors;
mod gateway;
mod guide;
mod identity;
mod keys;
mod limits;
mod main_job;
mod matter;
mod monitor;
mod notice;
mod outage;
mod pages;
mod post;
mod published;
mod queue;
mod review;
mod seal;
mod secrets;
mod several;
mod spec;
mod supervision;
mod tour;
mod training;
mod upload;
