//! The program against real hosts: OpenSSH, dropbear, BusyBox and sudo in namespaces of their own.
//!
//! One fleet for all tests, raised by the first that needs it and gone with the process. It takes root; without
//! root each test says on stderr that it was left out.

mod alone;
mod calls;
mod configured;
mod controller;
mod editions;
mod fetching;
mod hostile;
mod lines;
mod login;
mod places;
mod pushing;
mod shells;
mod site;
mod states;
mod sudo;
mod trust;
