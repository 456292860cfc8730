fn charge(order: Order) -> impl ::candor::__private::Future<Output = ()> {
    ::candor::__private::site!(
        step "charge", [const { ::candor::__private::free_name("order", "order",
        "order_") }].level(::candor::__private::Level::DEBUG)
        .raise_err(::candor::__private::Level::DEBUG)
    );
    return ::candor::__private::Step::new::<
        (),
    >(
        &__SITE,
        async move {
            #[allow(clippy::shadow_same)]
            let order = order;
            ::candor::__private::entered(
                &__SITE,
                |__fields| {
                    #[allow(unused_imports)]
                    use ::candor::__private::recorded::*;
                    __fields
                        .field(
                            const {
                                ::candor::__private::free_name(
                                    "order",
                                    ",\"order\":",
                                    ",\"order_\":",
                                )
                            },
                            const { ::candor::__private::is_sensitive("order") },
                            &(&&&&&&&&&&&&&::candor::__private::Given(&order))
                                .candor_value(),
                        );
                },
            );
            if false {
                return ::candor::__private::hint::<()>();
            }
            let __value: () = {
                let () = ();
                order.pay().await;
            };
            #[allow(unreachable_code)] return __value;
        },
        |__value| {
            ::candor::__private::call_result!(__value)
                .with_error_answer(|| ::candor::__private::error_answered!(__value))
        },
    );
}
