/// An order of a customer.
#[derive(Clone)]
#[serde(rename_all = "camelCase")]
pub struct Order<T> {
    pub id: u64,
    pub auth_token: String,
    pub items: Vec<T>,
    pub shop: String,
    pub password: String,
    pub card: String,
    pub note: String,
    pub address: Address,
    pub raw: Vec<u8>,
}
#[automatically_derived]
impl<T> ::candor::__private::Loggable for Order<T>
where
    T: ::candor::__private::Element,
{
    fn log(&self, __to: &mut ::candor::__private::Encoder<'_>) {
        use ::candor::__private::fallbacks::*;
        __to.object(
            "Order",
            |__object| {
                ::candor::__private::by_type::<
                    u64,
                    { ::candor::__private::is_sensitive("id") },
                >(&self.id, __object.slot(",\"id\":", ""));
                ::candor::__private::by_type::<
                    String,
                    {
                        ::candor::__private::is_sensitive("authToken")
                            || ::candor::__private::is_sensitive("auth_token")
                    },
                >(&self.auth_token, __object.slot(",\"authToken\":", "auth_token"));
                ::candor::__private::by_type::<
                    Vec<T>,
                    { ::candor::__private::is_sensitive("items") },
                >(&self.items, __object.slot(",\"items\":", ""));
                const _: () = ::candor::__private::needs_no_reason::<
                    ::candor::__private::KeyRule<
                        { ::candor::__private::is_sensitive("shop") },
                    >,
                >();
                ::candor::__private::Probe::<String, false>::new(&self.shop)
                    .candor_or_clear(__object.slot(",\"shop\":", ""));
                ::candor::__private::Probe::<String, false>::new(&self.password)
                    .candor_or_clear(__object.slot(",\"password\":", ""));
                ::candor::__private::by_policy::<
                    String,
                >(
                    &self.card,
                    ::candor::__private::TextPolicy::Mask {
                        first: 0usize,
                        last: 4usize,
                    },
                    __object.slot(",\"card\":", ""),
                );
                ::candor::__private::by_function(
                    first_line(&self.note),
                    "note",
                    __object.slot(",\"note\":", ""),
                );
                __object.secret(",\"address\":", ",\"address\":\"[REDACTED]\"");
            },
        )
    }
}
#[automatically_derived]
impl<T> ::candor::__private::Element for Order<T>
where
    T: ::candor::__private::Element,
{}
#[automatically_derived]
impl<T> ::candor::__private::Shape for Order<T>
where
    T: ::candor::__private::Element,
{
    fn log_shape(&self, __to: &mut ::candor::__private::Encoder<'_>) {
        ::candor::__private::of_loggable(self, __to)
    }
}
#[automatically_derived]
impl<T> ::candor::__private::core::fmt::Debug for Order<T>
where
    T: ::candor::__private::Element,
{
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
