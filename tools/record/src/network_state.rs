//! What the network of the acquiring machine was when the acquisition began, and when it ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The network, as the kernel shows it, and what `pf-net` says that it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// By the kernel's own list.
    pub state: NetworkState,
    /// Interfaces that were up, but for the machine's own loop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub up: Vec<String>,
    /// What was done in this boot, as `pf-net status --json` gives it; absent where `pf-net` was never asked to do anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Value>,
    /// Why the account that there is does not stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_problem: Option<String>,
}

/// Whether any interface could send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkState {
    /// None was up.
    Off,
    /// At least one was.
    On,
}
