//! What pages load: files of this program, never of another host.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// Bytes of a digest that name a version of a file: enough for a handful of files.
const VERSION_BYTES: usize = 6;

/// A file that pages load.
pub struct Asset {
    /// Its name.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What it holds.
    pub content: &'static str,
}

const TEXT: &str = "text/plain; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// All of them.
static ASSETS: [Asset; 6] = [
    Asset { name: "console.css", media_type: STYLE, content: include_str!("assets/console.css") },
    Asset { name: "console.js", media_type: SCRIPT, content: include_str!("assets/console.js") },
    Asset { name: "icon.svg", media_type: "image/svg+xml", content: include_str!("assets/icon.svg") },
    Asset { name: "uPlot.min.css", media_type: STYLE, content: include_str!("assets/uPlot.min.css") },
    Asset {
        name: "uPlot.iife.min.js",
        media_type: SCRIPT,
        content: include_str!("assets/uPlot.iife.min.js"),
    },
    Asset { name: "uPlot.LICENSE", media_type: TEXT, content: include_str!("assets/uPlot.LICENSE") },
];

/// Changes where a file does, so that browsers may keep files for good.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    ASSETS.iter().for_each(|asset| hasher.update(asset.content));
    hasher.finalize().iter().take(VERSION_BYTES).map(|byte| format!("{byte:02x}")).collect()
});

/// The file of that name.
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Where a page finds a file.
pub fn address(name: &str) -> String {
    format!("/console/assets/{name}?v={}", *VERSION)
}
