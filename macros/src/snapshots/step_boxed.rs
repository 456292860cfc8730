fn load(&self) -> Pin<Box<dyn Future<Output = u32> + Send + '_>> {
    ::candor::__private::site!(step "load", []);
    let at = self.at;
    return Box::pin(
        ::candor::__private::Step::new::<
            u32,
        >(
            &__SITE,
            async move { at },
            |__value| {
                ::candor::__private::call_result!(__value)
                    .with_answer(::candor::__private::error_answer!(__value))
            },
        ),
    );
}
