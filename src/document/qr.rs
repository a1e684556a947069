//! QR codes as SVG, without a style attribute that a strict page would refuse.

use crate::base::Result;
use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder};

/// The code of an address. Medium correction: printed small and photographed in a hurry.
///
/// # Errors
/// An address of more than two thousand characters.
pub fn svg(address: &str) -> Result<String> {
    let code = QRBuilder::new(address).ecl(ECL::M).build();
    let code = code.map_err(|_| anyhow::anyhow!("an address too long for a QR code"))?;
    Ok(SvgBuilder::default().margin(2).to_str(&code))
}
