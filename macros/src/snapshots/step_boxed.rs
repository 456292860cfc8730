fn load(&self) -> Pin<Box<dyn Future<Output = u32> + Send + '_>> {
    static __SITE: ::candor::__private::Site = ::candor::__private::Site::new(
        &__SITE,
        ::candor::__private::Spec::step(
            "load",
            ::candor::__private::core::module_path!(),
            ::candor::__private::core::file!(),
            ::candor::__private::core::line!(),
        ),
    );
    let at = self.at;
    Box::pin(
        ::candor::__private::Step::new::<
            u32,
        >(
            &__SITE,
            async move { at },
            |__value| {
                use ::candor::__private::probe::*;
                (&&&&&&&&::candor::__private::Returned(__value)).ending()
            },
        ),
    )
}
