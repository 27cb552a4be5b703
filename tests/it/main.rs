//! Integration tests: the built binary, real repositories, real requests on loopback.

mod demo;
