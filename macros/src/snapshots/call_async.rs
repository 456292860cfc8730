fn charge(
    &self,
    order: &Order,
    __arg2: (u32, u32),
) -> impl ::candor::__private::Future<Output = Result<Receipt, Declined>> {
    ::candor::__private::site!(call "charge", [].dependency("payments").method("POST"));
    return ::candor::__private::Step::new::<
        Result<Receipt, Declined>,
    >(
        &__SITE,
        async move {
            let _ = &self;
            #[allow(clippy::shadow_same)]
            let order = order;
            let __arg2 = __arg2;
            let (a, _) = __arg2;
            ::candor::__private::entered(
                &__SITE,
                |__fields| {
                    __fields.url(&self.url());
                },
            );
            if false {
                return ::candor::__private::hint::<Result<Receipt, Declined>>();
            }
            let __value: Result<Receipt, Declined> = {
                let () = ();
                self.send(order, a).await
            };
            #[allow(unreachable_code)] return __value;
        },
        |__value| {
            ::candor::__private::call_result!(__value)
                .with_answer(::candor::__private::answered!(__value))
        },
    );
}
