//! Style sheet, script and picture: in the program, under names that change with what they hold, and so kept by browsers
//! for as long as they like.

use std::sync::LazyLock;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::ROOT;

/// How long browsers may keep what never changes under its name.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// How many digits of the digest stand in a name.
const NAME_DIGITS: usize = 16;

/// A file.
pub(crate) struct Asset {
    /// Where it is.
    pub(crate) address: String,
    /// Its type.
    pub(crate) content_type: &'static str,
    body: Bytes,
}

/// The style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let sheets = [
        include_str!("assets/base.css"),
        include_str!("assets/layout.css"),
        include_str!("assets/parts.css"),
        include_str!("assets/pictures.css"),
        include_str!("assets/explorer.css"),
    ];
    Asset::new("style", "css", "text/css; charset=utf-8", sheets.concat())
});

/// The script.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let script = include_str!("assets/console.js").to_owned();
    Asset::new("console", "js", "text/javascript; charset=utf-8", script)
});

/// The picture in the title of the window.
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg").to_owned()));

impl Asset {
    fn new(name: &str, ending: &str, content_type: &'static str, text: String) -> Self {
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        let digits = digest.get(..NAME_DIGITS).unwrap_or_default();
        let address = format!("{ROOT}/assets/{name}-{digits}.{ending}");
        Self { address, content_type, body: Bytes::from(text) }
    }

    /// The answer that is this file.
    pub(crate) fn answer(&self) -> wire::server::PageAnswer {
        crate::response::whole(200, self.content_type, FOREVER, self.body.clone())
    }
}

/// The file at an address.
pub(crate) fn find(address: &str) -> Option<&'static Asset> {
    [&STYLE, &SCRIPT, &ICON].into_iter().map(|asset| &**asset).find(|asset| asset.address == address)
}
