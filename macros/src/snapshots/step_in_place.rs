fn tidy(a: u32) {
    static __SITE: ::candor::__private::Site = ::candor::__private::Site::new(
        &__SITE,
        ::candor::__private::Spec::step(
            "tidy",
            ::candor::__private::core::module_path!(),
            ::candor::__private::core::file!(),
            ::candor::__private::core::line!(),
        ),
    );
    let __step = ::candor::__private::StepGuard::enter(&__SITE);
    println!("{a}");
}
