//! `#[dependency_call]`.

use proc_macro2::TokenStream;

use crate::args::Attribute;
use crate::timed;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    timed::expand(Attribute::Call, args, item)
}
