//! Shuitian.

pub mod access;
pub mod api;
pub mod app;
pub mod base;
pub mod command;
pub mod demo;
pub mod document;
pub mod domain;
pub mod gateway;
pub mod jobs;
pub mod pages;
pub mod serve;
