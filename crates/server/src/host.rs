//! What the client calls us: the host of a request, and the origin that links are made from.

use std::fmt;
use std::str::FromStr;

use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri, header};
use incoming_leads_wire_v4::Origin;

use crate::failure::Failure;

/// The host a request was sent to, as the client wrote it, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    authority: Authority,
}

impl Host {
    /// Reads `name` or `name:port`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.to_ascii_lowercase().parse().ok()?;
        let name = authority.host();
        // It goes into links, so it is held to what a name or an address is made of.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
        let plain = !name.is_empty() && authority.as_str().bytes().all(is_plain);
        let rest = authority.as_str().strip_prefix(name)?;
        let ported = rest.is_empty() || authority.port_u16().is_some();
        (plain && ported).then_some(Self { authority })
    }

    /// The name without the port; an IPv6 address in brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        self.authority.host()
    }

    /// The first label of a name of several labels: the sub-domain of an account, where accounts have one.
    /// None for `localhost` and for addresses.
    #[must_use]
    pub fn subdomain(&self) -> Option<&str> {
        let name = self.name();
        if name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok() {
            return None;
        }
        name.split_once('.').map(|(label, _)| label)
    }

    /// The one host of a request.
    ///
    /// hyper lets a missing Host, two of them, and one that differs from an absolute target through; we do not.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Result<Self, Failure> {
        let refused = |detail| Failure::new(StatusCode::BAD_REQUEST, detail);
        let mut all = headers.get_all(header::HOST).iter();
        let (Some(value), None) = (all.next(), all.next()) else {
            return Err(refused("exactly one Host header is due"));
        };
        let host = value.to_str().ok().and_then(Self::parse).ok_or(refused("the Host header is no host"))?;
        match uri.authority() {
            Some(target) if !target.as_str().eq_ignore_ascii_case(host.authority.as_str()) => {
                Err(refused("the Host header is not the host of the request target"))
            }
            _ => Ok(host),
        }
    }

    /// Whether this is one of the names served: `name` itself, or `*.name` for all with one label more.
    pub(crate) fn is_one_of(&self, names: &[String]) -> bool {
        let own = self.name();
        names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => own.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => own.eq_ignore_ascii_case(name),
        })
    }

    /// Where links of an answer to this host begin, with this scheme.
    pub(crate) fn origin(&self, scheme: &str) -> Origin {
        Origin::new(&format!("{scheme}://{}", self.authority))
            .expect("a host has been held to what an origin takes")
    }
}

/// A public URL that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidPublicUrl;

impl fmt::Display for InvalidPublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a public URL is http:// or https://, a host, and nothing else but a port")
    }
}

impl std::error::Error for InvalidPublicUrl {}

/// What the world calls the server, where it differs from what reaches it: behind a proxy that ends TLS, say.
///
/// ```
/// use incoming_leads_server::PublicUrl;
///
/// let url: PublicUrl = "https://leads.example.com/".parse().unwrap();
/// assert_eq!(url.as_str(), "https://leads.example.com");
/// assert!("leads.example.com".parse::<PublicUrl>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Origin);

impl PublicUrl {
    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidPublicUrl)?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
        let host = uri.authority().and_then(|authority| Host::parse(authority.as_str()));
        match (scheme, host, uri.path(), uri.query()) {
            (Some(scheme), Some(host), "/", None) => {
                Origin::new(&format!("{scheme}://{}", host.authority)).map(Self).map_err(|_| InvalidPublicUrl)
            }
            _ => Err(InvalidPublicUrl),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn a_host_is_a_name_and_perhaps_a_port() {
        assert_eq!(host("Example.COM:8080").origin("http").as_str(), "http://example.com:8080");
        assert_eq!(host("[::1]:80").name(), "[::1]");
        for bad in
            ["", "a b", "user@example.com", "example.com/x", "example.com:99999", "a%2fb", "a,b", "http://x"]
        {
            assert_eq!(Host::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_first_label_of_a_domain_is_the_subdomain() {
        assert_eq!(host("acme.example.com:1").subdomain(), Some("acme"));
        assert_eq!(host("localhost").subdomain(), None);
        assert_eq!(host("127.0.0.1").subdomain(), None);
        assert_eq!(host("[2001:db8::1]").subdomain(), None);
    }

    #[test]
    fn names_are_whole_or_with_one_label_more() {
        let names = ["leads.example.com".to_owned(), "*.example.org".to_owned()];
        assert!(host("leads.example.com:81").is_one_of(&names));
        assert!(host("acme.example.org").is_one_of(&names));
        for other in ["example.org", "a.b.example.org", "example.com", "x.leads.example.com"] {
            assert!(!host(other).is_one_of(&names), "{other}");
        }
    }

    #[test]
    fn a_public_url_is_an_origin() {
        for bad in ["ftp://x", "https://x/y", "https://x/?q", "https://u:p@x", "x", "//x"] {
            assert_eq!(bad.parse::<PublicUrl>(), Err(InvalidPublicUrl), "{bad}");
        }
    }
}
