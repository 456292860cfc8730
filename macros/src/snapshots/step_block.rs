impl Store {
    const SIZE: usize = { 4 };
    const fn size(&self) -> usize {
        Self::SIZE
    }
    fn clear(&self) {
        static __SITE: ::candor::__private::Site = ::candor::__private::Site::new(
            &__SITE,
            ::candor::__private::Spec::step(
                    "Store::clear",
                    ::candor::__private::core::module_path!(),
                    ::candor::__private::core::file!(),
                    ::candor::__private::core::line!(),
                )
                .level(::candor::__private::Level::DEBUG),
        );
        let __step = ::candor::__private::StepGuard::enter(&__SITE);
    }
    fn touch(&self) {}
}
