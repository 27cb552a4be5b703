//! Which addresses are not public, and whether a URL that is written out names one. It looks up no name.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// A host that nobody outside reaches, as a text names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerHost {
    /// As it is understood: `127.0.0.1`, however it was spelt.
    pub host: String,
    /// What it is: `a private address`.
    pub why: &'static str,
}

/// Says why an address is not a public one; nothing where it is.
pub fn why_not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => why_not_public_v4(address),
        IpAddr::V6(address) => why_not_public_v6(address),
    }
}

/// Reads the host of a URL, of which templates may be a part, where the host itself is written out and not public.
pub fn inner_host(text: &str) -> Option<InnerHost> {
    let authority = written_authority(text)?;
    let url = Url::parse(&format!("http://{authority}/")).ok()?;
    let (host, why) = match url.host()? {
        Host::Ipv4(address) => (address.to_string(), why_not_public_v4(address)?),
        Host::Ipv6(address) => (format!("[{address}]"), why_not_public_v6(address)?),
        Host::Domain(name) => (name.to_owned(), why_no_public_name(name)?),
    };
    Some(InnerHost { host, why })
}

/// Returns what stands between the scheme and the path, where no tag stands in the host.
fn written_authority(text: &str) -> Option<&str> {
    let literal = text.split("{{").next()?;
    let (_, rest) = literal.split_once("://")?;
    if let Some(end) = rest.find(['/', '?', '#', '\\']) {
        return rest.get(..end);
    }
    if literal.len() == text.len() {
        return Some(rest);
    }
    // Only the port may still be open.
    let (host, _) = rest.rsplit_once(':')?;
    (!host.starts_with('[') || host.ends_with(']')).then_some(host)
}

fn why_no_public_name(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches('.');
    match name {
        "localhost" => Some("a loopback address"),
        "metadata" | "instance-data" | "metadata.google.internal" => {
            Some("an address of cloud metadata")
        }
        name => name.ends_with(".localhost").then_some("a loopback address"),
    }
}

fn why_not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [169, 254, 169, 254] | [168, 63, 129, 16] | [100, 100, 100, 200] | [192, 0, 0, 192] => {
            Some("an address of cloud metadata")
        }
        [0, ..] => Some("an unspecified address"),
        [127, ..] => Some("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
        [100, 64..=127, ..] => Some("a shared address (CGNAT)"),
        [169, 254, ..] => Some("a link-local address"),
        [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [240..=255, ..] => Some("a reserved address"),
        [224..=239, ..] => Some("a multicast address"),
        _ => None,
    }
}

fn why_not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0, 0, 0, 0, 0, 0xffff, ..] => Some("an IPv4 address in disguise"),
        [0x64, 0xff9b, ..] => Some("a NAT64 address"),
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Some("an address of cloud metadata"),
        [0xfc00..=0xfdff, ..] => Some("a private address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => {
            Some("a reserved address")
        }
        [0x2000..=0x3fff, ..] => None,
        _ => Some("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = inner_host(text).map(|InnerHost { host, why }| format!("{host} is {why}"));
        assert_eq!(found.unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn an_inner_host_is_known_however_it_is_spelt() {
        check("http://127.0.0.1:7780/v1", "127.0.0.1 is a loopback address");
        check("http://2130706433/", "127.0.0.1 is a loopback address");
        check("https://0x7f.1?q", "127.0.0.1 is a loopback address");
        check("http://10.1.2.3", "10.1.2.3 is a private address");
        check("http://[::1]:8080/{{fields.a}}", "[::1] is a loopback address");
        check(
            "http://[::ffff:169.254.169.254]/",
            "[::ffff:169.254.169.254] is an IPv4 address in disguise",
        );
        check("http://169.254.169.254/latest", "169.254.169.254 is an address of cloud metadata");
        check("http://169.254.0.9/latest", "169.254.0.9 is a link-local address");
        check("https://192.168.0.1:{{environment.port}}/a", "192.168.0.1 is a private address");
        check("https://LOCALHOST.:8443/", "localhost. is a loopback address");
        check("https://a.localhost#x", "a.localhost is a loopback address");
        check(
            "http://metadata.google.internal/x",
            "metadata.google.internal is an address of cloud metadata",
        );
        check("http://user@10.0.0.1/", "10.0.0.1 is a private address");
    }

    #[test]
    fn what_is_public_or_not_written_out_is_left_alone() {
        for text in [
            "https://api.example.com/10.0.0.1?u=http://127.0.0.1",
            "https://1.1.1.1/a",
            "https://[2606:4700::1111]/a",
            "{{environment.api}}/127.0.0.1",
            "https://{{fields.host}}/127.0.0.1",
            "https://10.0.0.{{fields.a}}/",
            "https://10.{{fields.host}}",
            "https://[fe80::{{fields.a}}]/",
            "https://[fe80::{{fields.a}}",
            "https://notlocalhost/",
            "10.0.0.1",
            "",
            "://",
            "https://",
        ] {
            check(text, "");
        }
    }
}
