//! Gateways (通道): what lies outside. A gateway knows no noun of the domain; each is an enum with a variant for tests.

pub mod channels;
pub mod digest;
pub mod files;
pub mod limits;
pub mod outside;
pub mod shared;
pub mod sms;
pub mod upload;
pub mod wechat;
