//! Values of the command line that are easily mistaken, and what to say then.

use model::node::ENFORCEMENT_WAIT_SECONDS_MAX;

/// The id of a network interface. One of an instance is what people have at hand.
///
/// # Errors
/// It is the id of an instance.
pub fn interface(text: &str) -> Result<String, String> {
    if text.starts_with("i-") {
        return Err(format!(
            "that is the id of an instance; ids of network interfaces begin with eni-, and `ravelin ens \
             DescribeNetworkInterfaces --InstanceId {text}` lists those of the instance"
        ));
    }
    Ok(text.to_owned())
}

/// For how many seconds to wait for nodes.
///
/// # Errors
/// It is no whole number, or too large a one.
pub fn wait_seconds(text: &str) -> Result<u8, String> {
    let most = ENFORCEMENT_WAIT_SECONDS_MAX;
    let seconds = text.parse::<u8>().ok().filter(|seconds| *seconds <= most);
    seconds.ok_or_else(|| format!("write seconds as a whole number from 0 to {most}, such as 10"))
}

/// A moment, as requests have it.
///
/// # Errors
/// It is none.
pub fn time(text: &str) -> Result<String, String> {
    match text.parse::<jiff::Timestamp>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("write a time in UTC, such as 2026-11-22T03:04:05Z".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mistaken_is_answered_with_what_is_meant() {
        assert!(interface("i-5vn4").unwrap_err().contains("--InstanceId i-5vn4"));
        assert_eq!(interface("eni-5f65").unwrap(), "eni-5f65");
        assert!(wait_seconds("10s").unwrap_err().contains("whole number from 0 to 60"));
        assert_eq!((wait_seconds("0"), wait_seconds("60")), (Ok(0), Ok(60)));
        assert!(wait_seconds("61").is_err() && wait_seconds("-1").is_err());
        assert!(time("yesterday").unwrap_err().contains("2026-11-22T03:04:05Z"));
        time("2026-11-22T03:04:05Z").unwrap();
    }
}
