enum Payment {
    Free,
    Voucher(String),
    Card { number: String, month: u8 },
    Transfer(Iban, Raw),
}
#[automatically_derived]
impl ::candor::__private::Loggable for Payment {
    fn log(&self, __to: &mut ::candor::__private::Encoder<'_>) {
        use ::candor::__private::fallbacks::*;
        match self {
            Self::Free {} => __to.unit("Free"),
            Self::Voucher { 0: __0 } => {
                __to.variant(
                    "Voucher",
                    |__to| {
                        __to
                            .newtype_slot(
                                "Voucher",
                                |__slot| {
                                    const _: () = ::candor::__private::needs_no_reason::<
                                        ::candor::__private::KeyRule<
                                            { ::candor::__private::is_sensitive("Voucher") },
                                        >,
                                    >();
                                    ::candor::__private::Probe::<String, false>::new(__0)
                                        .candor_or_clear(__slot);
                                },
                            )
                    },
                )
            }
            Self::Card { number: __number, month: __month } => {
                __to.variant(
                    "Card",
                    |__to| {
                        __to
                            .object(
                                "Card",
                                |__object| {
                                    ::candor::__private::by_policy::<
                                        String,
                                    >(
                                        __number,
                                        ::candor::__private::TextPolicy::Mask {
                                            first: 2usize,
                                            last: 2usize,
                                        },
                                        __object.slot(",\"number\":", ""),
                                    );
                                    ::candor::__private::Probe::<
                                        u8,
                                        {
                                            ::candor::__private::is_sensitive("month")
                                                || ::candor::__private::is_sensitive("Card")
                                        },
                                    >::new(__month)
                                        .candor_or_secret(__object.slot(",\"month\":", ""));
                                },
                            )
                    },
                )
            }
            Self::Transfer { 0: __0, .. } => {
                __to.variant(
                    "Transfer",
                    |__to| {
                        __to
                            .tuple(
                                "Transfer",
                                |__list| {
                                    ::candor::__private::Probe::<
                                        Iban,
                                        { ::candor::__private::is_sensitive("Transfer") },
                                    >::new(__0)
                                        .candor_or_secret(__list.slot());
                                },
                            )
                    },
                )
            }
        }
    }
}
#[automatically_derived]
impl ::candor::__private::Element for Payment {}
#[automatically_derived]
impl ::candor::__private::Shape for Payment {
    fn log_shape(&self, __to: &mut ::candor::__private::Encoder<'_>) {
        ::candor::__private::of_loggable(self, __to)
    }
}
#[automatically_derived]
impl ::candor::__private::core::fmt::Debug for Payment {
    fn fmt(
        &self,
        __f: &mut ::candor::__private::core::fmt::Formatter<'_>,
    ) -> ::candor::__private::core::fmt::Result {
        use ::candor::__private::fallbacks::*;
        ::candor::__private::debug(
            self,
            (&::candor::__private::Displayed(self)).candor_display(),
            __f,
        )
    }
}
