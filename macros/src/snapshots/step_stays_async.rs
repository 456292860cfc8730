#[must_use]
async fn count() -> u32 {
    ::candor::__private::site!(step "count", [].busy());
    return ::candor::__private::Step::new::<
        u32,
    >(
            &__SITE,
            async move {
                if false {
                    return ::candor::__private::hint::<u32>();
                }
                let __value: u32 = {
                    let () = ();
                    7
                };
                #[allow(unreachable_code)] return __value;
            },
            |__value| {
                ::candor::__private::call_result!(__value)
                    .with_answer(::candor::__private::error_answer!(__value))
            },
        )
        .await;
}
