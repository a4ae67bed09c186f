//! What `backdrop up` says when it is ready: where everything is, and two commands that work.

use super::examples::{BY_CHANNEL, DATA_GROUP, SUMMARIES};
use super::{Addresses, Arguments};
use crate::stdout::say;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Prints it.
pub(super) fn print(arguments: &Arguments, addresses: Addresses) {
    // What runs goes on whether or not anybody reads this.
    let _ = say!("{}", text(arguments, addresses));
}

fn text(arguments: &Arguments, addresses: Addresses) -> String {
    let (read, write) = (url(addresses.read), url(addresses.write));
    let home = arguments.home.path().display();
    let token_file = arguments.home.admin_token_path();
    let token = match arguments.admin_token {
        Some(_) => "as BACKDROP_ADMIN_TOKEN says".to_owned(),
        None => format!("in {}", token_file.display()),
    };
    let server = |given: bool| if given { "as given" } else { "private" };
    let postgres = server(arguments.database_url.is_some());
    let redis = server(arguments.redis_url.is_some());
    let [first, second] =
        if arguments.examples { on_examples(&read) } else { on_nothing(arguments, &read, &write) };
    format!(
        "
Backdrop is ready.

  read     {read}, described at {read}/docs
  write    {write}
  token    of the administration: {token}
  data     {home} (Postgres {postgres}, Redis {redis})

Try:

  {first}

  {second}

Ctrl-C stops all of it; the data stays."
    )
}

/// Queries on the examples: a service's yearly figures, and what channels people use.
fn on_examples(read: &str) -> [String; 2] {
    [
        format!(
            "curl '{read}/data/{DATA_GROUP}/{SUMMARIES}?filter_by=service_id:dft-tax-a-vehicle\
             &filter_by=type:seasonally-adjusted&sort_by=_timestamp:descending&limit=3'"
        ),
        format!(
            "curl '{read}/data/{DATA_GROUP}/{BY_CHANNEL}?group_by=channel&period=quarter&collect=count:sum\
             &start_at=2016-07-01T00:00:00Z&end_at=2017-07-01T00:00:00Z'"
        ),
    ]
}

fn on_nothing(arguments: &Arguments, read: &str, write: &str) -> [String; 2] {
    let token = match arguments.admin_token {
        Some(_) => "$BACKDROP_ADMIN_TOKEN".to_owned(),
        None => format!("$(cat '{}')", arguments.home.admin_token_path().display()),
    };
    [
        format!("curl {read}/_status/ready"),
        format!("curl --header \"Authorization: Bearer {token}\" {write}/data-sets"),
    ]
}

/// An address that works from this machine, also if the service listens on all of them.
pub(super) fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_all_interfaces_is_shown_as_one_that_works() {
        for (address, expected) in [
            ("127.0.0.1:3038", "http://127.0.0.1:3038"),
            ("0.0.0.0:3038", "http://127.0.0.1:3038"),
            ("[::]:3038", "http://[::1]:3038"),
            ("10.0.0.7:3038", "http://10.0.0.7:3038"),
        ] {
            assert_eq!(url(address.parse().expect("an address")), expected);
        }
    }
}
