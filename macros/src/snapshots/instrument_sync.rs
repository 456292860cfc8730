fn reserve(&self, __arg1: (u32, u32), step: Step) -> Result<u32, Refused> {
    ::candor::__private::site!(
        step "reserve", [const { ::candor::__private::free_name("a", "a", "a_") }, const
        { ::candor::__private::free_name("_b", "_b", "_b_") }, const {
        ::candor::__private::free_name("step", "step", "step_") }, const {
        ::candor::__private::free_name("id", "id", "id_") }, "rows",
        ::candor::__private::RECORDABLE].raise_err(::candor::__private::Level::ERROR)
    );
    let mut __step = ::candor::__private::StepGuard::enter_before(&__SITE);
    let __value = ::candor::__private::call2(
        __arg1,
        step,
        move |(a, _b), #[allow(clippy::shadow_reuse)] step| -> Result<u32, Refused> {
            if false {
                ::candor::__private::parent(&self.span);
                ::candor::__private::std::process::abort();
            }
            ::candor::__private::entered(
                &__SITE,
                |__fields| {
                    #[allow(unused_imports)]
                    use ::candor::__private::recorded::*;
                    __fields
                        .field(
                            const {
                                ::candor::__private::free_name("a", ",\"a\":", ",\"a_\":")
                            },
                            const { ::candor::__private::is_sensitive("a") },
                            &(&&&&&&&&&&&&&::candor::__private::Given(&a)).candor_value(),
                        );
                    #[allow(clippy::used_underscore_binding)]
                    __fields
                        .field(
                            const {
                                ::candor::__private::free_name(
                                    "_b",
                                    ",\"_b\":",
                                    ",\"_b_\":",
                                )
                            },
                            const { ::candor::__private::is_sensitive("_b") },
                            &(&&&&&&&&&&&&&::candor::__private::Given(&_b))
                                .candor_value(),
                        );
                    __fields
                        .field(
                            const {
                                ::candor::__private::free_name(
                                    "step",
                                    ",\"step\":",
                                    ",\"step_\":",
                                )
                            },
                            const { ::candor::__private::is_sensitive("step") },
                            &(&&&&&&&&&&&&&::candor::__private::Given(&step))
                                .candor_value(),
                        );
                    __fields
                        .field(
                            const {
                                ::candor::__private::free_name(
                                    "id",
                                    ",\"id\":",
                                    ",\"id_\":",
                                )
                            },
                            const { ::candor::__private::is_sensitive("id") },
                            &(&&&&&&&&&&&&&::candor::__private::Given(&self.id))
                                .candor_value(),
                        );
                },
            );
            let _ = &step;
            self.left(a, step)
        },
    );
    __step
        .read(
            &__value,
            |__value| {
                ::candor::__private::call_result!(__value)
                    .with_error_answer(|| ::candor::__private::error_answered!(__value))
                    .with_ret(
                        ::candor::__private::returned!(__value)
                            .map(|__shown| {
                                #[allow(unused_imports)]
                                use ::candor::__private::recorded::*;
                                ::candor::__private::ret(
                                    &(&&&&&&&&&&&&&::candor::__private::Given(__shown))
                                        .candor_value(),
                                )
                            }),
                    )
            },
        );
    return __value;
}
