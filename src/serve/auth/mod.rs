//! Who somebody is and what they may do: keys, tokens, sessions, roles, limits. Default deny.

mod access;
mod auth;
mod gate;
mod limits;
mod principal;
mod rights;
mod role;
mod secrets;
mod settings;

pub(in crate::serve) use access::HOLDS_S as ACCESS_HOLDS_S;
pub use auth::Auth;
pub(in crate::serve) use auth::cookie as cookie_of;
pub(in crate::serve) use gate::{Peer, Who, let_in, recognise};
pub use principal::{Held, Principal, Via};
pub use role::{Kind, Role, Scope, Teams, Verb};
pub use secrets::{
    LONGEST_PASSWORD, hash as hash_secret, hash_password, key as new_key, password_problem,
};
pub(in crate::serve) use secrets::{is_password, name as new_name, token as new_token};
pub use settings::{AuthSettings, Grant, Network};
