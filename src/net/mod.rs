//! The one HTTP client and the egress policy that it keeps. Whoever reaches a network by HTTP does so through here.

mod egress;
mod http;

pub use egress::Egress;
pub use http::{HttpClient, HttpError, MAX_BODY_BYTES, Request, Response};
