fn ping() -> impl ::candor::__private::Future<Output = Result<(), Down>> {
    ::candor::__private::site!(
        call "ping", [].dependency("payments").url("https://pay.example/ping")
    );
    return ::candor::__private::Step::new::<
        Result<(), Down>,
    >(
        &__SITE,
        async move {
            if false {
                return ::candor::__private::hint::<Result<(), Down>>();
            }
            let __value: Result<(), Down> = {
                let () = ();
                get().await
            };
            #[allow(unreachable_code)] return __value;
        },
        |__value| {
            ::candor::__private::call_result!(__value)
                .with_answer(::candor::__private::answered!(__value))
        },
    );
}
