// SPDX-License-Identifier: GPL-2.0

//! Addresses, networks and hardware addresses, as people write them.

use std::net::{IpAddr, Ipv4Addr};

use camzone_policy::address::{Address, Prefix, PrefixError};

use super::model::{Network, Spanned, Word};
use crate::diagnostic::Diagnostic;

/// The policy crate's address.
pub const fn from_std(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => Address::v4(address.octets()),
        IpAddr::V6(address) => Address::v6(address.octets()),
    }
}

/// An address, or what is wrong with it.
///
/// # Errors
///
/// Says what would be right.
pub fn address(word: &Word) -> Result<Spanned<Address>, Diagnostic> {
    let text = word.value.as_str();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Spanned::new(from_std(address), word.span.clone()));
    }
    let fault = Diagnostic::at(word.span.clone(), format!("'{text}' is not an address"));
    Err(match (text.split_once('/'), repaired(text)) {
        (Some((address, _)), _) if address.parse::<IpAddr>().is_ok() => fault
            .label("this is a network")
            .help(format!("write \"{address}\"")),
        (_, Some(address)) => fault.help(format!("write \"{address}\"")),
        _ => fault.help(why(text)),
    })
}

/// A network, or what is wrong with it.
///
/// # Errors
///
/// Says what would be right.
pub fn network(word: &Word) -> Result<Spanned<Network>, Diagnostic> {
    let text = word.value.as_str();
    let fault = || Diagnostic::at(word.span.clone(), format!("'{text}' is not a network"));
    if text.contains(',') {
        return Err(fault().help("several are a list: [\"192.168.8.0/24\", \"192.168.9.0/24\"]"));
    }
    let Some((address, len)) = text.split_once('/') else {
        return Err(
            match text.parse::<IpAddr>().ok().or_else(|| repaired(text)) {
                Some(address) => {
                    let len = if address.is_ipv4() { 24 } else { 64 };
                    let host = if address.is_ipv4() { 32 } else { 128 };
                    let clean = clean(address, len);
                    fault().label("the prefix length is missing").help(format!(
                    "write \"{clean}\" for the network around it, \"{address}/{host}\" for this host"
                ))
                }
                None if text.contains('-') => {
                    fault().help("a range is written as prefixes, such as \"192.168.8.0/24\"")
                }
                None => fault().help(
                    "a network is an address and a prefix length, such as \"192.168.8.0/24\"",
                ),
            },
        );
    };
    let Ok(parsed) = address.parse::<IpAddr>() else {
        return Err(match repaired(address) {
            Some(better) => fault().help(format!("write \"{better}/{}\"", len.trim())),
            None => fault().help(why(address)),
        });
    };
    let most = if parsed.is_ipv4() { 32 } else { 128 };
    let mask = len.trim().parse::<Ipv4Addr>().ok();
    if let Some(mask) = mask.filter(|_| parsed.is_ipv4()) {
        let bits = u32::from(mask).leading_ones();
        return Err(match u32::from(mask).count_ones() == bits {
            true => fault().help(format!("write \"{}\"", clean(parsed, bits))),
            false => fault().help("a netmask is not understood, and this one has gaps"),
        });
    }
    match len.parse::<u32>() {
        Ok(bits) if bits <= most && len.bytes().all(|b| b.is_ascii_digit()) => {
            let address = from_std(parsed);
            Ok(Spanned::new(
                Network { address, len: bits },
                word.span.clone(),
            ))
        }
        _ => Err(match len.trim().parse::<u32>() {
            Ok(bits) if bits <= most => fault().help(format!("write \"{address}/{bits}\"")),
            _ => fault().help(format!("the prefix length is a number from 0 to {most}")),
        }),
    }
}

/// The network of `len` bits around an address.
fn clean(address: IpAddr, len: u32) -> String {
    match Prefix::new(from_std(address), len) {
        Ok(prefix) | Err(PrefixError::HostBits(prefix)) => prefix.to_string(),
        Err(PrefixError::TooLong) => address.to_string(),
    }
}

/// What the text would be as an address if it were written as one.
fn repaired(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some((inside, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside.parse().ok();
    }
    if let Some((address, port)) = text.split_once(':') {
        if port.bytes().all(|b| b.is_ascii_digit()) && address.contains('.') {
            return address.parse().ok();
        }
    }
    // Zeros before a number, which could mean octal numbers.
    let parts: Vec<u8> = text
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    match (<[u8; 4]>::try_from(parts), text.split('.').count()) {
        (Ok(octets), 4) => Some(Ipv4Addr::from(octets).into()),
        _ => text.parse().ok(),
    }
}

/// What is wrong with text that is no address, nor nearly one.
fn why(text: &str) -> String {
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if text.contains(',') {
        return String::from("several are a list: [\"192.168.8.110\", \"192.168.8.111\"]");
    }
    if text.contains('%') {
        return String::from("leave out the '%' and what is behind it");
    }
    if text.contains(':') {
        return String::from("an IPv6 address is up to eight groups of up to four of 0-9 a-f, with '::' once, such as \"fd00:8::110\"");
    }
    if parts.iter().all(number) {
        return match parts.iter().find(|part| part.parse::<u8>().is_err()) {
            Some(part) => format!("{part} is greater than 255"),
            None => String::from("an IPv4 address has four numbers, such as \"192.168.8.110\""),
        };
    }
    String::from("names are not looked up: write the address, such as \"192.168.8.110\"")
}

/// A hardware address, or what is wrong with it.
///
/// # Errors
///
/// Says what would be right.
pub fn mac(word: &Word) -> Result<Spanned<[u8; 6]>, Diagnostic> {
    let text = word.value.as_str();
    let grouped = |separator, len| text.split(separator).all(|group: &str| group.len() == len);
    let sound = grouped(':', 2) || grouped('-', 2) || grouped('.', 4) || text.len() == 12;
    let digits = text.replace([':', '-', '.'], "");
    let fault = Diagnostic::at(
        word.span.clone(),
        format!("'{text}' is not a hardware address"),
    )
    .help("it has six bytes, such as \"52:54:00:12:34:56\"");
    if !sound || digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(fault);
    }
    let value = u64::from_str_radix(&digits, 16).map_err(|_| fault.clone())?;
    let [_, _, mac @ ..] = value.to_be_bytes();
    if mac[0] & 1 != 0 {
        let shown = format_mac(mac);
        return Err(Diagnostic::at(
            word.span.clone(),
            format!("'{shown}' is the address of a group"),
        )
        .help("the first byte of a camera's own hardware address is even"));
    }
    if mac == [0; 6] {
        return Err(fault.label("this is nobody's"));
    }
    Ok(Spanned::new(mac, word.span.clone()))
}

/// A hardware address as it is written.
pub fn format_mac(mac: [u8; 6]) -> String {
    let [a, b, c, d, e, f] = mac;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}
