#[must_use]
async fn count() -> u32 {
    static __SITE: ::candor::__private::Site = ::candor::__private::Site::new(
        &__SITE,
        ::candor::__private::Spec::step(
                "count",
                ::candor::__private::core::module_path!(),
                ::candor::__private::core::file!(),
                ::candor::__private::core::line!(),
            )
            .busy(),
    );
    ::candor::__private::Step::new::<
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
                use ::candor::__private::probe::*;
                (&&&&&&&&::candor::__private::Returned(__value)).ending()
            },
        )
        .await
}
