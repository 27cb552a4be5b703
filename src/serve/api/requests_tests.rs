//! Tests of requests over the API.
